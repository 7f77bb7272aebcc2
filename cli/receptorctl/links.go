package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/protobuf/types/known/durationpb"

	"receptor/cli/receptorctl/client"
	inspectv1 "receptor/proto/inspect/v1"
)

// statusWithLinks adds to a status how good the links are.
func (t *tool) statusWithLinks(c *cli.Context, s *client.Session, status json.RawMessage) error {
	reply, err := askOn(s, question{"command": "status", "requested_fields": []string{"Links"}})
	if err != nil {
		return err
	}
	var r struct{ Links []json.RawMessage }
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("read the links: %w", err)
	}
	if r.Links == nil {
		f := failed(exitError, "The node does not tell how good its links are.")
		f.note = "It tells at its Unix socket, elsewhere only with --debug remote=true; older versions and other makes never do."
		return f
	}
	if c.Bool("json") {
		return t.printJSON(addMember(status, "Links", r.Links))
	}
	text, err := statusText(status)
	if err != nil {
		return err
	}
	links := make([]*inspectv1.Link, len(r.Links))
	for i, raw := range r.Links {
		links[i] = &inspectv1.Link{}
		if err := readProto(raw, links[i]); err != nil {
			return err
		}
	}
	return t.print(text + "\n" + linkTable(links, time.Now()) + linkFailures(links))
}

// linkFailures is one line for each link that is down, and why.
func linkFailures(links []*inspectv1.Link) string {
	var b strings.Builder
	for _, l := range links {
		if l.GetFailure() != "" {
			fmt.Fprintf(&b, "%s: %s\n", l.GetBackend(), strings.Join(strings.Fields(l.GetFailure()), " "))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + b.String()
}

// addMember puts one more member at the end of an object.
func addMember(object json.RawMessage, name string, list []json.RawMessage) json.RawMessage {
	text, err := json.Marshal(list)
	if err != nil {
		return object // the parts were JSON before
	}
	head := strings.TrimSuffix(strings.TrimSpace(string(object)), "}")
	return json.RawMessage(fmt.Sprintf("%s,%q:%s}", head, name, text))
}

// linkTable is one line for each link.
func linkTable(links []*inspectv1.Link, now time.Time) string {
	rows := [][]string{{"LINK", "NEIGHBOUR", "STATE", "COST", "RTT", "JITTER", "LOSS", "IN", "OUT", "QUEUE", "DELAY", "DROPS"}}
	for _, l := range links {
		q, traffic, queue := l.GetQuality(), l.GetTraffic(), l.GetQueue()
		loss := "-"
		if q != nil && q.Loss != nil {
			loss = fmt.Sprintf("%.1f%%", q.GetLoss()*100)
		}
		rows = append(rows, []string{
			l.GetBackend(), orDash(l.GetNeighbour()), linkState(l, now), fmt.Sprintf("%.2f", l.GetCost()),
			shortTime(q.GetRtt()), shortTime(q.GetJitter()), loss,
			rateText(traffic.GetBytesInPerSecond()), rateText(traffic.GetBytesOutPerSecond()),
			sizeText(int64(queue.GetBytes())), shortTime(queue.GetDelay()), fmt.Sprint(queue.GetDropped()),
		})
	}
	return columnsText(rows)
}

func linkState(l *inspectv1.Link, now time.Time) string {
	text := strings.ToLower(strings.TrimPrefix(l.GetState().String(), "LINK_STATE_"))
	if l.GetNextTry() != nil {
		text += ", " + nextTry(l.GetNextTry().AsTime().Sub(now))
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// shortTime is a measured time with as much precision as it has; - for none.
func shortTime(d *durationpb.Duration) string {
	if d == nil {
		return "-"
	}
	switch t := d.AsDuration(); {
	case t < time.Millisecond:
		return t.Round(time.Microsecond).String()
	case t < time.Second:
		return t.Round(10 * time.Microsecond).String()
	default:
		return age(t)
	}
}

func rateText(perSecond float64) string { return sizeText(int64(perSecond)) + "/s" }
