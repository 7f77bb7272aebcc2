package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// lastPart is the name of an actor among its siblings.
func lastPart(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// relative is path as seen from the actor above it.
func relative(path, above string) string {
	if rest, found := strings.CutPrefix(path, above+"/"); found {
		return rest
	}
	return lastPart(path)
}

// failureText says what went wrong and when, on one line.
func failureText(failure string, at *timestamppb.Timestamp, now time.Time) string {
	failure = strings.Join(strings.Fields(failure), " ")
	if at == nil {
		return "failed: " + failure
	}
	when := at.AsTime()
	return fmt.Sprintf("failed %s ago (%s): %s", age(now.Sub(when)), when.Local().Format(time.DateTime), failure)
}

func nextTry(in time.Duration) string {
	if in <= 0 {
		return "next try now"
	}
	return "next try in " + age(in)
}

// age is a duration as precise as anyone cares for: 1.2s, 45s, 3m5s, 2h10m, 3d4h.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 24*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	hours := int(d.Round(time.Hour).Hours())
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}
