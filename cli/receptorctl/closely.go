package main

import (
	"fmt"
	"strings"
	"time"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// closely is what is known of a single actor beyond its line in the tree: what it is
// doing, its messages, and its failures.
func closely(a *supervisev1.Actor, now time.Time) string {
	return activityText(a.GetActivity(), now) + historyText(a, now)
}

func activityText(act *inspectv1.Activity, now time.Time) string {
	if act == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d messages, %.1f a second", act.GetMessages(), act.GetMessagesPerSecond())
	if act.GetCurrent() != "" {
		fmt.Fprintf(&b, "; handles %s for %s", act.GetCurrent(), age(now.Sub(act.GetCurrentSince().AsTime())))
	}
	if act.GetOldest() != nil {
		fmt.Fprintf(&b, "; the oldest of those that wait came %s ago", age(act.GetOldest().AsDuration()))
	}
	b.WriteString("\n")
	if len(act.GetHandling()) == 0 {
		return b.String()
	}
	rows := [][]string{{"MESSAGE", "COUNT", "P50", "P99", "MAX", "ALL"}}
	for _, h := range act.GetHandling() {
		rows = append(rows, []string{
			h.GetType(), fmt.Sprint(h.GetCount()),
			shortTime(h.GetP50()), shortTime(h.GetP99()), shortTime(h.GetMax()), shortTime(h.GetTotal()),
		})
	}
	return b.String() + "\n" + columnsText(rows)
}

// historyText has the newest failure first. A place is shown once, however often it
// failed there.
func historyText(a *supervisev1.Actor, now time.Time) string {
	if len(a.GetFailures()) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d failures, %d restarts\n", a.GetFailureCount(), a.GetRestarts())
	place := ""
	for i := len(a.GetFailures()) - 1; i >= 0; i-- {
		f := a.GetFailures()[i]
		b.WriteString("\n" + failureText(f.GetFailure(), f.GetTime(), now))
		if f.GetRestarted() != nil {
			b.WriteString(", started again after " + age(f.GetRestarted().AsTime().Sub(f.GetTime().AsTime())))
		}
		b.WriteString("\n")
		if f.GetMessage() != "" {
			b.WriteString("  at " + f.GetMessage() + "\n")
		}
		if f.GetStack() == place {
			continue
		}
		place = f.GetStack()
		for line := range strings.Lines(place) {
			b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}
