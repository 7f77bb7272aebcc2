package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"receptor/cli/receptorctl/client"
)

// This file is what commands have in common that look inside a node.

const insideNote = `The node tells only if it runs with --debug (YAML: - debug), and to clients that are
not at its Unix socket only with --debug remote=true.`

// insideFlags choose the node that is looked at.
func insideFlags(more ...cli.Flag) []cli.Flag {
	return append(more,
		&cli.StringFlag{Name: "node", Usage: "`NODE` to look into (default: the node we are connected to)"},
		nodeTLSFlag(), jsonFlag("print the node's answer as JSON"))
}

// question is a command in the JSON form, or the word alone if there is no more to it.
type question map[string]any

func (q question) line() (string, error) {
	if word, ok := q["command"].(string); ok && len(q) == 1 {
		return word, nil
	}
	text, err := json.Marshal(q)
	return string(text), err
}

func askOn(s *client.Session, q question) (json.RawMessage, error) {
	line, err := q.line()
	if err != nil {
		return nil, err
	}
	reply, err := s.Command(line)
	return reply, unseen(err)
}

// unseen explains the answer of a node that knows no such command.
func unseen(err error) error {
	var remote *client.RemoteError
	if !errors.As(err, &remote) || remote.Text != "Unknown command" {
		return err
	}
	f := failed(exitError, "%s", remote.Text)
	f.note = "This node does not show what is inside. It may be of another make, or an older version."
	return f
}

func readProto(reply json.RawMessage, m proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(reply, m); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return nil
}

// clearScreen moves to the upper left and forgets what was there.
const clearScreen = mark + "[H" + mark + "[2J" + mark + "[3J"

// frames draws a picture again and again, in place on a terminal: count times, or
// until the user has seen enough. Without a terminal one picture follows the other.
func (t *tool) frames(c *cli.Context, count int, every time.Duration, draw func() (string, error)) error {
	for n := 1; ; n++ {
		text, err := draw()
		if err != nil {
			return err
		}
		if count != 1 && isTerminal(t.out) {
			text = clearScreen + text
		} else if n > 1 {
			text = "\n" + text
		}
		if err := t.printWhole(text); err != nil {
			return err
		}
		if n == count {
			return nil
		}
		select {
		case <-time.After(every):
		case <-c.Context.Done():
			return nil
		}
	}
}

// everyFlag and countFlag say how often a picture is drawn.
func everyFlag() cli.Flag {
	return &cli.DurationFlag{Name: "interval", Aliases: []string{"i"}, Value: 2 * time.Second, Usage: "`TIME` between two pictures"}
}

func countFlag() cli.Flag {
	return &cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "`NUMBER` of pictures (default: until interrupted)"}
}

// interval is a time that makes sense.
func interval(c *cli.Context) time.Duration { return max(c.Duration("interval"), 100*time.Millisecond) }
