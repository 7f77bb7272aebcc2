//go:build linux

package lab

import (
	"context"
	"fmt"
	"strings"
)

// Rule says what happens to packets.
type Rule struct {
	host *Host // that receives them; nil: on the bridge, between hosts
	text string
}

// Silence drops all TCP and UDP from one host to another. That they still find
// each other's hardware addresses is the harder case: no send fails for that.
func Silence(from, to *Host) Rule {
	return Rule{nil, fmt.Sprintf("ether saddr %s ether daddr %s meta l4proto { tcp, udp } drop", from.mac, to.mac)}
}

// Refuse has a host answer all TCP from another with resets; those pass.
func Refuse(from, to *Host) Rule {
	return Rule{to, fmt.Sprintf("ip saddr %s tcp flags & rst != rst reject with tcp reset", from.V4)}
}

// Lose drops so many percent of the packets of TCP and UDP that hosts send.
func Lose(percent int, from ...*Host) []Rule {
	rules := make([]Rule, len(from))
	for i, h := range from {
		rules[i].text = fmt.Sprintf("ether saddr %s meta l4proto { tcp, udp } numgen random mod 100 < %d drop", h.mac, percent)
	}
	return rules
}

// Set replaces all rules.
func (b *Bridge) Set(ctx context.Context, rules ...Rule) error {
	places := map[*Host]bool{nil: true}
	for _, r := range append(b.rules, rules...) {
		places[r.host] = true
	}
	b.rules = rules
	for place := range places {
		if err := b.load(ctx, place); err != nil {
			return err
		}
	}
	return nil
}

// load replaces the rules of one place at once.
func (b *Bridge) load(ctx context.Context, place *Host) error {
	line, table, hook := []string{"nft", "-f", "-"}, "bridge "+b.name, "forward"
	if place != nil {
		line, table, hook = append(place.Exec(), line...), "inet rules", "input"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "table %[1]s\ndelete table %[1]s\ntable %[1]s {\nchain rules {\ntype filter hook %[2]s priority 0\n", table, hook)
	for _, r := range b.rules {
		if r.host == place {
			text.WriteString(r.text + "\n")
		}
	}
	text.WriteString("}\n}\n")
	return command(ctx, text.String(), line[0], line[1:]...)
}

// String lists the rules, for error texts.
func (b *Bridge) String() string {
	if len(b.rules) == 0 {
		return "no rules"
	}
	lines := make([]string, len(b.rules))
	for i, r := range b.rules {
		lines[i] = r.text
	}
	return strings.Join(lines, "; ")
}
