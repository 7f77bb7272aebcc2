package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/protobuf/encoding/protojson"

	"receptor/cli/receptorctl/client"
	supervisev1 "receptor/proto/supervise/v1"
)

const treeDescription = `Shows the actors of the node, who supervises whom, and what has gone wrong: for each
its state, uptime and restarts, the last failure, when the next try is due, and how
many messages wait. "lost" are those that failed and will not come back by themselves.

The node tells only if it runs with --debug (YAML: - debug).`

func (t *tool) treeCommand() *cli.Command {
	return &cli.Command{
		Name: "tree", Usage: "Show the supervision tree of the node.", Description: treeDescription,
		Flags:  []cli.Flag{jsonFlag("print the node's answer as JSON")},
		Action: t.tree,
	}
}

func (t *tool) tree(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	reply, err := t.ask(c.Context, "tree")
	if err != nil {
		return noTree(err)
	}
	if c.Bool("json") {
		return t.printJSON(reply)
	}
	tree, err := readTree(reply)
	if err != nil {
		return err
	}
	return t.print(treeText(tree.GetActor(), time.Now()))
}

func readTree(reply json.RawMessage) (*supervisev1.Tree, error) {
	tree := &supervisev1.Tree{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(reply, tree); err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	return tree, nil
}

// noTree explains the answer of a node that knows no such command.
func noTree(err error) error {
	var remote *client.RemoteError
	if !errors.As(err, &remote) || remote.Text != "Unknown command" {
		return err
	}
	f := failed(exitError, "%s", remote.Text)
	f.note = "This node has no tree to show. It may be of another make, or an older version."
	return f
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
			name: knot + relative(l.GetPath(), a.GetPath()), kind: l.GetKind(), state: "lost", uptime: "-",
			rest: failureText(l.GetFailure(), l.GetTime(), now),
		})
	}
	return rows
}

func actorRow(knot string, a *supervisev1.Actor, now time.Time) row {
	r := row{
		name: knot + lastPart(a.GetPath()), kind: a.GetKind(), uptime: "-",
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
	r.rest = strings.Join(facts, ", ")
	return r
}
