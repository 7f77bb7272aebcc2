package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"
)

func (t *tool) tracerouteCommand() *cli.Command {
	return &cli.Command{
		Name: "traceroute", Usage: "Do a traceroute to a Receptor node.", ArgsUsage: "NODE",
		Description: "Shows the nodes on the way to NODE, one a line. A step that fails says why; the exit code stays 0.",
		Flags:       []cli.Flag{jsonFlag("print the node's answer as JSON")},
		Action:      t.traceroute,
	}
}

func (t *tool) traceroute(c *cli.Context) error {
	args, err := arguments(c, "node")
	if err != nil {
		return err
	}
	reply, err := t.ask(c.Context, "traceroute", args[0])
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printJSON(reply)
	}
	steps, err := readSteps(reply)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.Error != "" {
			t.fail(fmt.Sprintf("%d: Error %s from %s in %s", s.number, s.Error, s.From, s.TimeStr))
			continue
		}
		if err := t.print(fmt.Sprintf("%d: %s in %s\n", s.number, s.From, s.TimeStr)); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	number int
	pingReply
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
