package main

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"
)

func (t *tool) drainCommand() *cli.Command {
	return &cli.Command{
		Name: "drain", Usage: "Take no new units of work; those that are there go on.",
		Flags: []cli.Flag{jsonFlag("print the node's answer as JSON")},
		Action: func(c *cli.Context) error {
			return t.drain(c, "drain", "Draining: no new units are taken, %d are not finished yet.\n")
		},
	}
}

func (t *tool) resumeCommand() *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "Take new units of work again.",
		Flags: []cli.Flag{jsonFlag("print the node's answer as JSON")},
		Action: func(c *cli.Context) error {
			return t.drain(c, "resume", "Resumed: new units are taken, %d are not finished yet.\n")
		},
	}
}

// drain sends a command whose answer tells how many units are left.
func (t *tool) drain(c *cli.Context, word, text string) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	reply, err := t.ask(c.Context, "work", word)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printJSON(reply)
	}
	var r struct {
		Unfinished int `json:"unfinished"`
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("read work %s: %w", word, err)
	}
	return t.print(fmt.Sprintf(text, r.Unfinished))
}
