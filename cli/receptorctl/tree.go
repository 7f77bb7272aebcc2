package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/actors/supervise/cut"
	supervisev1 "receptor/proto/supervise/v1"
)

const treeDescription = `Shows the actors of the node, who supervises whom, and what has gone wrong: for each
its state, uptime and restarts, the last failure, when the next try is due, and how
many messages wait. "lost" are those that failed and will not come back by themselves.
With --long the actors describe themselves, too: links with their quality, units,
sessions. PATH is an actor, such as node/links: only that one and what is below it;
with --long then also which messages it gets, how long it takes with them, and its
latest failures with the place where they happened.

` + insideNote

func (t *tool) treeCommand() *cli.Command {
	return &cli.Command{
		Name: "tree", Usage: "Show the supervision tree of the node.", ArgsUsage: "[PATH]", Description: treeDescription,
		Flags: insideFlags(
			toggle("long", "l", "have the actors describe themselves"),
			toggle("watch", "w", "show it again and again, in place"), everyFlag(), countFlag(),
		),
		Action: t.tree,
	}
}

func (t *tool) tree(c *cli.Context) error {
	path := c.Args().First()
	if path != "" {
		if _, err := arguments(c, "path"); err != nil {
			return err
		}
	}
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	q := question{"command": "tree", "path": path, "detail": c.Bool("long")}
	if path == "" && !c.Bool("long") {
		q = question{"command": "tree"}
	}
	if c.Bool("json") && !c.Bool("watch") {
		reply, err := askOn(s, q)
		if err != nil {
			return err
		}
		return t.printJSON(reply)
	}
	count := 1
	if c.Bool("watch") {
		count = c.Int("count")
	}
	return t.frames(c, count, interval(c), func() (string, error) {
		reply, err := askOn(s, q)
		if err != nil {
			return "", err
		}
		if c.Bool("json") {
			return string(reply) + "\n", nil
		}
		tree, err := readTree(reply)
		text := treeText(tree.GetActor(), time.Now())
		if path != "" && c.Bool("long") {
			text += closely(tree.GetActor(), time.Now())
		}
		return cut.Text(text), err
	})
}

func readTree(reply json.RawMessage) (*supervisev1.Tree, error) {
	tree := &supervisev1.Tree{}
	return tree, readProto(reply, tree)
}

// row is one line of the tree.
type row struct{ name, kind, state, uptime, rest string }

// treeText draws the tree in columns, as seen at now.
func treeText(root *supervisev1.Actor, now time.Time) string {
	rows := []row{{"NAME", "KIND", "STATE", "UPTIME", "DETAILS"}}
	rows = append(rows, actorRow("", root, now))
	rows = branch(rows, "", root, now)
	var w [4]int
	for _, r := range rows {
		for i, cell := range []string{r.name, r.kind, r.state, r.uptime} {
			w[i] = max(w[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		line := fmt.Sprintf("%-*s  %-*s  %-*s  %-*s  %s", w[0], r.name, w[1], r.kind, w[2], r.state, w[3], r.uptime, r.rest)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// branch adds what is below a: its children, and those it has lost.
func branch(rows []row, indent string, a *supervisev1.Actor, now time.Time) []row {
	left := len(a.GetChildren()) + len(a.GetLost())
	arms := func() (knot, below string) {
		if left--; left == 0 {
			return indent + "└── ", indent + "    "
		}
		return indent + "├── ", indent + "│   "
	}
	for _, c := range a.GetChildren() {
		knot, below := arms()
		rows = append(rows, actorRow(knot, c, now))
		rows = branch(rows, below, c, now)
	}
	for _, l := range a.GetLost() {
		knot, _ := arms()
		rows = append(rows, row{
			name: knot + cut.Word(relative(l.GetPath(), a.GetPath())), kind: l.GetKind(), state: "lost", uptime: "-",
			rest: failureText(l.GetFailure(), l.GetTime(), now),
		})
	}
	return rows
}

func actorRow(knot string, a *supervisev1.Actor, now time.Time) row {
	r := row{
		name: knot + cut.Word(lastPart(a.GetPath())), kind: a.GetKind(), uptime: "-",
		state: strings.ToLower(strings.TrimPrefix(a.GetState().String(), "STATE_")),
	}
	if a.GetUptime() != nil {
		r.uptime = age(a.GetUptime().AsDuration())
	}
	var facts []string
	add := func(format string, value any) { facts = append(facts, fmt.Sprintf(format, value)) }
	if n := a.GetRestarts(); n > 0 {
		add("restarts %d", n)
	}
	if n := a.GetAttempt(); n > 0 {
		add("attempt %d", n)
	}
	if f := a.GetLastFailure(); f != "" {
		add("%s", failureText(f, a.GetLastFailureTime(), now))
	}
	if a.GetNextTry() != nil {
		add("%s", nextTry(a.GetNextTry().AsTime().Sub(now)))
	}
	if n := a.GetMailboxDepth(); n > 0 {
		add("mailbox %d", n)
	}
	facts = append(facts, descriptionFacts(a)...)
	r.rest = strings.Join(facts, ", ")
	return r
}
