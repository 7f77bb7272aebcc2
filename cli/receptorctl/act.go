package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
	inspectv1 "receptor/proto/inspect/v1"
)

const actDescription = `The node acts only if it runs with --debug actions=true, and only for clients at its
own Unix socket. Each action is an event, and in the log.`

func (t *tool) actCommand() *cli.Command {
	span := func(value time.Duration, usage string) cli.Flag {
		return &cli.DurationFlag{Name: "for", Value: value, Usage: usage}
	}
	return &cli.Command{
		Name: "act", Usage: "Have the node do something while you watch.", Description: actDescription,
		HideHelpCommand: true,
		Subcommands: []*cli.Command{
			{
				Name: "restart", Usage: "Start an actor anew, as after a failure.", ArgsUsage: "PATH", Description: actDescription,
				Flags:  []cli.Flag{jsonFlag("print the node's answer as JSON")},
				Action: func(c *cli.Context) error { return t.act(c, "restart", "path", nil) },
			},
			{
				Name: "log-level", Usage: "Log an actor, and all below it, at another level for a while.",
				ArgsUsage: "PATH LEVEL", Description: actDescription + "\nThe configured level is back when its time is over, or when actions are not allowed any more.",
				Flags: []cli.Flag{
					span(10*time.Minute, "`TIME` until the configured level is back"), jsonFlag("print the node's answer as JSON"),
				},
				Action: t.actLevel,
			},
			{
				Name: "link-down", Usage: "End the link to a neighbour and refuse it for a while.",
				ArgsUsage: "NODE", Description: actDescription + "\nThe side that dials comes again at once when the time is over. Where it is ended early\nit comes at once, too; a neighbour of another make or older version within 5 s.",
				Flags: []cli.Flag{
					span(30*time.Second, "`TIME` for which it is refused; 0 ends an earlier one"), jsonFlag("print the node's answer as JSON"),
				},
				Action: func(c *cli.Context) error {
					return t.act(c, "link-down", "node", question{"seconds": wholeSeconds(c)})
				},
			},
			{
				Name: "trace", Usage: "Show the messages that an actor gets: their types and facts, no payloads.",
				ArgsUsage: "PATH", Description: actDescription,
				Flags: []cli.Flag{
					span(time.Minute, "`TIME` after which it ends"), jsonFlag("print events as JSON"),
					&cli.IntFlag{Name: "rate", Value: 20, Usage: "at most `N` messages a second, up to 100"},
				},
				Action: t.actTrace,
			},
		},
	}
}

func wholeSeconds(c *cli.Context) int64 { return int64(c.Duration("for").Seconds()) }

// act sends an action about the thing that the only argument names.
func (t *tool) act(c *cli.Context, action, name string, more question) error {
	args, err := arguments(c, name)
	if err != nil {
		return err
	}
	return t.actOn(c, action, args[0], more)
}

func (t *tool) actOn(c *cli.Context, action, path string, more question) error {
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	text, err := actBy(s, action, path, more)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printJSON(map[string]string{"text": text})
	}
	return t.print(text + "\n")
}

func actBy(s *client.Session, action, path string, more question) (text string, err error) {
	q := question{"command": "act", "action": action, "path": path}
	for name, value := range more {
		q[name] = value
	}
	reply, err := askOn(s, q)
	if err != nil {
		return "", err
	}
	var r struct{ Text string }
	if err := json.Unmarshal(reply, &r); err != nil {
		return "", fmt.Errorf("read the node's answer: %w", err)
	}
	return r.Text, nil
}

func (t *tool) actLevel(c *cli.Context) error {
	args, err := arguments(c, "path", "level")
	if err != nil {
		return err
	}
	return t.actOn(c, "log-level", args[0], question{"level": args[1], "seconds": wholeSeconds(c)})
}

// actTrace shows the events of the trace until it ends.
func (t *tool) actTrace(c *cli.Context) error {
	args, err := arguments(c, "path")
	if err != nil {
		return err
	}
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	asked := time.Now() // the node is on this machine
	if _, err := actBy(s, "trace", args[0], question{"seconds": wholeSeconds(c), "rate": c.Int("rate")}); err != nil {
		return err
	}
	end := time.AfterFunc(c.Duration("for")+time.Second, s.Close)
	defer end.Stop()
	begun := false
	err = eventsOn(s, 0, true, func(e *inspectv1.Event, raw json.RawMessage) error {
		if a := e.GetActionTaken(); a.GetAction() == "trace" && a.GetPath() == args[0] && !e.GetTime().AsTime().Before(asked) {
			begun = true // what came before belongs to an earlier one
		}
		if !begun || e.GetMessageTraced().GetPath() != args[0] {
			return nil
		}
		if c.Bool("json") {
			return t.printWhole(string(raw) + "\n")
		}
		return t.printWhole(eventText(e) + "\n")
	})
	if !end.Stop() || c.Context.Err() != nil || errors.Is(err, client.ErrClosed) {
		return nil // its time is over
	}
	return err
}
