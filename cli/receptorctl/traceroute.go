package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

const tracerouteDescription = `Shows the nodes on the way to NODE, one a line. A step that fails says why; the exit
code stays 0.

On a terminal, or with --hops, the cost and the state of each link are shown too, as
far as the node knows them: a link is up if both ends tell of it, and one way if only
one does. --json has them as members Cost and Link.`

func (t *tool) tracerouteCommand() *cli.Command {
	return &cli.Command{
		Name: "traceroute", Usage: "Do a traceroute to a Receptor node.", ArgsUsage: "NODE",
		Description: tracerouteDescription,
		Flags: []cli.Flag{
			hopsFlag("show cost and state of each link: the default on a terminal"),
			jsonFlag("print the node's answer as JSON"),
		},
		Action: t.traceroute,
	}
}

func hopsFlag(usage string) cli.Flag { return toggle("hops", "", usage) }

func (t *tool) wantsHops(c *cli.Context) bool { return c.Bool("hops") || isTerminal(t.out) }

func (t *tool) traceroute(c *cli.Context) error {
	args, err := arguments(c, "node")
	if err != nil {
		return err
	}
	line, err := client.Line("traceroute", args[0])
	if err != nil {
		return err
	}
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	reply, err := s.Command(line)
	if err != nil {
		return err
	}
	if !c.Bool("json") && !t.wantsHops(c) {
		return t.showSteps(reply)
	}
	st, err := readStatus(s)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printSteps(reply, meshOf(st))
	}
	return t.tableSteps(args[0], reply, meshOf(st))
}

// readStatus asks on a session that is open.
func readStatus(s *client.Session) (status, error) {
	var st status
	reply, err := s.Command("status")
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(reply, &st); err != nil {
		return st, fmt.Errorf("read status: %w", err)
	}
	return st, nil
}

func (t *tool) showSteps(reply json.RawMessage) error {
	steps, err := readSteps(reply)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.Error != "" {
			t.fail(s.errorText())
			continue
		}
		if err := t.print(fmt.Sprintf("%d: %s in %s\n", s.number, name(s.From), flat(s.TimeStr))); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	number int
	pingReply
}

func (s step) errorText() string {
	return fmt.Sprintf("%d: Error %s from %s in %s", s.number, flat(s.Error), name(s.From), flat(s.TimeStr))
}

// readSteps sorts the steps, whose names are numbers.
func readSteps(reply json.RawMessage) ([]step, error) {
	var named map[string]pingReply
	if err := json.Unmarshal(reply, &named); err != nil {
		return nil, fmt.Errorf("read traceroute: %w", err)
	}
	steps := make([]step, 0, len(named))
	for name, p := range named {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("read traceroute: step %q is not a number", name)
		}
		steps = append(steps, step{n, p})
	}
	slices.SortFunc(steps, func(a, b step) int { return a.number - b.number })
	return steps, nil
}

// link is the one by which a step came, if it went anywhere.
func (m mesh) link(steps []step, i int) (hop, bool) {
	if i == 0 || steps[i].From == "" || steps[i].From == steps[i-1].From {
		return hop{}, false
	}
	return m.hop(steps[i-1].From, steps[i].From), true
}

// printSteps adds the links to the node's answer.
func (t *tool) printSteps(reply json.RawMessage, m mesh) error {
	steps, err := readSteps(reply)
	if err != nil {
		return err
	}
	var named map[string]map[string]json.RawMessage
	if err := json.Unmarshal(reply, &named); err != nil {
		return fmt.Errorf("read traceroute: %w", err)
	}
	for i, s := range steps {
		h, ok := m.link(steps, i)
		if !ok {
			continue
		}
		more, err := json.Marshal(struct {
			Cost json.Number `json:",omitempty"`
			Link string
		}{h.Cost, h.Link})
		if err != nil {
			return fmt.Errorf("encode JSON: %w", err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(more, &members); err != nil {
			return fmt.Errorf("encode JSON: %w", err)
		}
		maps.Copy(named[strconv.Itoa(s.number)], members)
	}
	return t.printJSON(named)
}

func (t *tool) tableSteps(target string, reply json.RawMessage, m mesh) error {
	steps, err := readSteps(reply)
	if err != nil {
		return err
	}
	rows := [][]string{{"HOP", "NODE", "TIME", "COST", "LINK"}}
	for i, s := range steps {
		row := []string{strconv.Itoa(s.number), cmp.Or(s.From, "?"), s.TimeStr, "-", "-"}
		if h, ok := m.link(steps, i); ok {
			row[3], row[4] = cmp.Or(h.Cost.String(), "?"), h.Link
		}
		if i == 0 && s.From == m.self {
			row[4] = "this node"
		}
		if s.Error != "" {
			row[4] = s.Error
		}
		rows = append(rows, row)
	}
	if err := t.print(columnsText(rows)); err != nil {
		return err
	}
	if where, why := endOf(steps); why != "" {
		t.fail(fmt.Sprintf("The way to %s ends at %s: %s", target, name(where), flat(why)))
		t.note("To see why: " + t.settings.command("doctor", target))
	}
	return nil
}

// endOf is where a way ends before its goal, and why.
func endOf(steps []step) (where, why string) {
	last := len(steps) - 1
	if last < 0 || steps[last].Error == "" {
		return "", ""
	}
	for i := last; i >= 0; i-- {
		if where = steps[i].From; where != "" {
			break
		}
	}
	return cmp.Or(where, "its first hop"), steps[last].Error
}

// traceEnd finds out where messages to a node are lost.
func (t *tool) traceEnd(ctx context.Context, target string) (where, why string, err error) {
	reply, err := t.ask(ctx, "traceroute", target)
	if err != nil {
		return "", "", err
	}
	steps, err := readSteps(reply)
	if err != nil {
		return "", "", err
	}
	where, why = endOf(steps)
	return where, why, nil
}

// columnsText lines cells up; the last column is as wide as it is.
func columnsText(rows [][]string) string {
	width := map[int]int{}
	for _, r := range rows {
		for i := range r[:len(r)-1] {
			r[i] = name(r[i])
		}
		r[len(r)-1] = flat(r[len(r)-1])
		for i, cell := range r[:len(r)-1] {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		for i, cell := range r[:len(r)-1] {
			b.WriteString(cell + strings.Repeat(" ", width[i]-len([]rune(cell))+2))
		}
		b.WriteString(r[len(r)-1] + "\n")
	}
	return b.String()
}
