package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"receptor/cli/receptorctl/client"
)

// pings is what is shown of a series.
type pings struct {
	*tool
	session *client.Session
	target  string
	hops    bool // show the way, and a summary
	asJSON  bool
	way     []hop
	replies []json.RawMessage
	times   []time.Duration // of those that were answered
}

// showWay comes before the first ping.
func (p *pings) showWay() error {
	p.replies = []json.RawMessage{}
	if !p.hops {
		return nil
	}
	st, err := readStatus(p.session)
	if err != nil {
		return err
	}
	m := meshOf(st)
	p.way = m.way(m.named(p.target))
	if p.asJSON {
		return nil
	}
	if len(p.way) == 0 {
		text := "No way to " + p.target + " is known.\n"
		if m.named(p.target) == m.self {
			text = "This node is " + p.target + ".\n"
		}
		return p.print(text)
	}
	rows := [][]string{{"HOP", "NODE", "COST", "LINK"}}
	for i, h := range p.way {
		rows = append(rows, []string{fmt.Sprint(i + 1), h.To, cmp.Or(h.Cost.String(), "?"), h.Link})
	}
	return p.print(columnsText(rows))
}

// show tells success.
func (p *pings) show(reply json.RawMessage) (bool, error) {
	r, err := readPing(reply)
	if err != nil {
		return false, err
	}
	p.replies = append(p.replies, reply)
	if took, err := time.ParseDuration(r.TimeStr); err == nil && r.Success {
		p.times = append(p.times, took)
	}
	switch {
	case p.asJSON:
		return r.Success, nil
	case !r.Success:
		p.fail(r.failureText())
		return false, nil
	}
	return true, p.print(fmt.Sprintf("Reply from %s in %s\n", name(r.From), flat(r.TimeStr)))
}

// finish comes after the last ping.
func (p *pings) finish(ctx context.Context) error {
	switch {
	case p.asJSON && p.hops:
		way := p.way
		if way == nil {
			way = []hop{}
		}
		return p.printJSON(map[string]any{"answers": p.replies, "way": way})
	case p.asJSON:
		return p.printJSON(p.replies)
	case !p.hops || len(p.replies) == 0:
		return nil
	}
	if err := p.print(summary(len(p.replies), p.times)); err != nil || len(p.times) > 0 {
		return err
	}
	where, why, err := p.traceEnd(ctx, p.target)
	if err != nil {
		return err
	}
	if why != "" {
		p.note(fmt.Sprintf("The way to %s ends at %s: %s. To see why: %s", p.target, name(where), flat(why), p.settings.command("doctor", p.target)))
	}
	return nil
}

// summary is the last line of a series.
func summary(sent int, times []time.Duration) string {
	text := fmt.Sprintf("%d sent, %d answered", sent, len(times))
	if len(times) == 0 {
		return text + "\n"
	}
	least, most, sum := times[0], times[0], time.Duration(0)
	for _, t := range times {
		least, most, sum = min(least, t), max(most, t), sum+t
	}
	return fmt.Sprintf("%s, min %v, mean %v, max %v\n", text, least, sum/time.Duration(len(times)), most)
}
