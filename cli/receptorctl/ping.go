package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

const pingDescription = `Sends small messages over the mesh and shows how long the answers took. Exit code 2 if
one of them failed.

On a terminal, or with --hops, the way is shown first, with the cost and the state of
each link, and at last a summary. If no message was answered, it says where they end.`

func (t *tool) pingCommand() *cli.Command {
	return &cli.Command{
		Name: "ping", Usage: "Ping a Receptor node.", ArgsUsage: "NODE",
		Description: pingDescription,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "count", Value: 4, Usage: "`NUMBER` of pings to send"},
			&cli.Float64Flag{Name: "delay", Value: 1, Usage: "`SECONDS` to wait between pings"},
			hopsFlag("show cost and state of each link on the way, and a summary: the default on a terminal"),
			jsonFlag("print a list of the node's answers as JSON; with --hops an object, also with the way"),
		},
		Action: t.ping,
	}
}

func (t *tool) ping(c *cli.Context) error {
	args, err := arguments(c, "node")
	if err != nil {
		return err
	}
	count, delay := c.Int("count"), c.Float64("delay")
	if count < 0 || !(delay >= 0) { // nor NaN
		return misusedIn(c, "--count and --delay can't be less than 0.")
	}
	line, err := client.Line("ping", args[0])
	if err != nil {
		return err
	}
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	p := &pings{tool: t, session: s, target: args[0], asJSON: c.Bool("json")}
	p.hops = c.Bool("hops") || !p.asJSON && isTerminal(t.out)
	if err := p.showWay(); err != nil {
		return err
	}
	ok, err := repeatPing(c.Context, s, line, count, delay, p.show)
	if err != nil {
		return err
	}
	if err := p.finish(c.Context); err != nil {
		return err
	}
	if !ok {
		return &failure{code: exitPing}
	}
	return nil
}

// repeatPing sends count pings and hands each answer to show, which tells success.
func repeatPing(ctx context.Context, s *client.Session, line string, count int, delay float64,
	show func(json.RawMessage) (bool, error)) (ok bool, err error) {
	ok = true
	for i := range count {
		if i > 0 {
			if err := wait(ctx, time.Duration(delay*float64(time.Second))); err != nil {
				return false, err
			}
		}
		reply, err := s.Command(line)
		if err != nil {
			return false, err
		}
		good, err := show(reply)
		if err != nil {
			return false, err
		}
		ok = ok && good
	}
	return ok, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pingReply is one answer; also one step of a traceroute.
type pingReply struct {
	Success              bool
	From, TimeStr, Error string
}

func readPing(reply json.RawMessage) (pingReply, error) {
	var p pingReply
	if err := json.Unmarshal(reply, &p); err != nil {
		return p, fmt.Errorf("read ping: %w", err)
	}
	return p, nil
}

func (p pingReply) failureText() string {
	if p.From != "" && p.TimeStr != "" {
		return fmt.Sprintf("%s from %s in %s", flat(p.Error), name(p.From), flat(p.TimeStr))
	}
	return flat(p.Error)
}
