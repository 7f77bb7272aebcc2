package main

import (
	"fmt"
	"strconv"
	"time"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// This file is what actors say of themselves, in words.

// descriptionFacts are those of a tree with --long.
func descriptionFacts(a *supervisev1.Actor) []string {
	var facts []string
	if act := a.GetActivity(); act != nil {
		if act.GetMessagesPerSecond() >= 0.05 {
			facts = append(facts, fmt.Sprintf("%.1f messages/s", act.GetMessagesPerSecond()))
		}
		if act.GetOldest() != nil {
			facts = append(facts, "oldest waits "+shortTime(act.GetOldest()))
		}
		if act.GetCurrent() != "" {
			facts = append(facts, "handles "+act.GetCurrent())
		}
	}
	for _, attribute := range a.GetDescription().GetAttributes() {
		facts = append(facts, attribute.GetName()+" "+attributeText(attribute))
	}
	return facts
}

func attributeText(a *inspectv1.Attribute) string {
	switch v := a.GetValue().(type) {
	case *inspectv1.Attribute_Text:
		return flat(v.Text)
	case *inspectv1.Attribute_Number:
		return strconv.FormatInt(v.Number, 10)
	case *inspectv1.Attribute_Quantity:
		return strconv.FormatFloat(v.Quantity, 'f', 2, 64)
	case *inspectv1.Attribute_Flag:
		return strconv.FormatBool(v.Flag)
	case *inspectv1.Attribute_Duration:
		return shortTime(v.Duration)
	case *inspectv1.Attribute_Time:
		return v.Time.AsTime().Local().Format(time.DateTime)
	}
	return "-"
}
