package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/actors/supervise/cut"
	"receptor/actors/supervise/tree"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

const topDescription = `Shows the busiest actors and all links, again and again. BUSY is the share of the time
that an actor spends with its messages; WAITS how long its oldest message has been
waiting. IN and OUT, QUEUE and DELAY are those of the link to a neighbour.

` + insideNote

// topActors is how many actors are shown.
const topActors = 20

func (t *tool) topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "Show the busiest actors and the links of the node.", Description: topDescription,
		Flags:  insideFlags(everyFlag(), countFlag()),
		Action: t.top,
	}
}

func (t *tool) top(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	before := map[string]time.Duration{}
	var at time.Time
	look := func() (*picture, error) {
		reply, err := askOn(s, question{"command": "tree", "detail": true})
		if err != nil {
			return nil, err
		}
		answer, err := readTree(reply)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		p := takePicture(answer.GetActor(), before, now.Sub(at))
		before, at = p.spent, now
		return p, nil
	}
	if _, err := look(); err != nil { // shares are of the time since
		return err
	}
	select {
	case <-time.After(interval(c)):
	case <-c.Context.Done():
		return nil
	}
	return t.frames(c, c.Int("count"), interval(c), func() (string, error) {
		p, err := look()
		if err != nil {
			return "", err
		}
		if c.Bool("json") {
			text, err := json.Marshal(p)
			return string(text) + "\n", err
		}
		return cut.Text(p.text(time.Now())), nil
	})
}

// picture is what top shows at one time.
type picture struct {
	Actors []busyActor       `json:"actors"`
	Links  []json.RawMessage `json:"links"`

	links []*inspectv1.Link
	spent map[string]time.Duration // with messages, by actor, so far
}

type busyActor struct {
	Path     string  `json:"path"`
	Kind     string  `json:"kind"`
	Busy     float64 `json:"busy"` // share of the time
	Rate     float64 `json:"messages_per_second"`
	Mailbox  int32   `json:"mailbox"`
	Waits    float64 `json:"oldest_seconds"`
	Handles  string  `json:"current,omitempty"`
	MostTime string  `json:"most_time,omitempty"`
	P99      float64 `json:"p99_seconds"` // of the type that takes most time
}

// takePicture compares the time spent with that of the picture before.
func takePicture(root *supervisev1.Actor, before map[string]time.Duration, over time.Duration) *picture {
	p := &picture{spent: map[string]time.Duration{}, links: tree.Links(root)}
	for _, l := range p.links {
		if text, err := protoText(l); err == nil {
			p.Links = append(p.Links, text)
		}
	}
	p.walk(root, before, over)
	slices.SortStableFunc(p.Actors, func(a, b busyActor) int {
		return cmp.Or(cmp.Compare(b.Busy, a.Busy), cmp.Compare(b.Rate, a.Rate))
	})
	p.Actors = p.Actors[:min(len(p.Actors), topActors)]
	return p
}

func (p *picture) walk(a *supervisev1.Actor, before map[string]time.Duration, over time.Duration) {
	if act := a.GetActivity(); act != nil {
		var spent time.Duration
		for _, h := range act.GetHandling() {
			spent += h.GetTotal().AsDuration()
		}
		p.spent[a.GetPath()] = spent
		b := busyActor{
			Path: a.GetPath(), Kind: a.GetKind(), Rate: act.GetMessagesPerSecond(), Mailbox: a.GetMailboxDepth(),
			Waits: act.GetOldest().AsDuration().Seconds(), Handles: act.GetCurrent(),
			Busy: max((spent-before[a.GetPath()]).Seconds()/over.Seconds(), 0),
		}
		if most := act.GetHandling(); len(most) > 0 {
			b.MostTime, b.P99 = most[0].GetType(), most[0].GetP99().AsDuration().Seconds()
		}
		p.Actors = append(p.Actors, b)
	}
	for _, c := range a.GetChildren() {
		p.walk(c, before, over)
	}
}

func (p *picture) text(now time.Time) string {
	rows := [][]string{{"ACTOR", "KIND", "BUSY", "MSG/S", "MAILBOX", "WAITS", "P99", "MOST TIME"}}
	for _, a := range p.Actors {
		rows = append(rows, []string{
			a.Path, a.Kind, fmt.Sprintf("%.1f%%", a.Busy*100), fmt.Sprintf("%.1f", a.Rate), fmt.Sprint(a.Mailbox),
			seconds(a.Waits), seconds(a.P99), orDash(a.MostTime),
		})
	}
	text := columnsText(rows)
	if len(p.Actors) == 0 {
		text = "The node does not measure its actors: it does not run with --debug.\n"
	}
	if len(p.links) > 0 {
		text += "\n" + linkTable(p.links, now)
	}
	return text
}

func seconds(s float64) string {
	if s == 0 {
		return "-"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond).String()
}
