package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func (t *tool) reloadCommand() *cli.Command {
	return &cli.Command{
		Name: "reload", Usage: "Reload receptor configuration.",
		Description: "Asks the node to read its configuration again. What is the same as before is not touched; on an error\nnothing changes. With --dry-run the changes are only shown: + starts, - stops, ! stops and starts anew,\n~ changes while it goes on. Exit codes: 3 something changed that needs a restart, 4 the configuration\nis not valid, not there, or can't be put in force, 5 anything else.",
		Flags: []cli.Flag{
			toggle("dry-run", "", "show what would change, and change nothing"),
			jsonFlag("print the node's answer as JSON"),
		},
		Action: t.reload,
	}
}

// reloaded is the node's answer; what is beside Success and Error only our nodes say.
type reloaded struct {
	Success bool
	Error   string
	Changes []struct {
		Action, Item string
		Why          []string
	}
}

func (t *tool) reload(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	dry := c.Bool("dry-run")
	command := "reload"
	if dry {
		command = "reload-dry-run" // an existing node reloads whatever follows the word
	}
	reply, err := t.ask(c.Context, command)
	if err != nil {
		if dry && strings.Contains(err.Error(), "Unknown command") {
			return failed(5, "this node can't tell what a reload would do; it is of another implementation, or too old")
		}
		return err
	}
	var r reloaded
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("read reload: %w", err)
	}
	if c.Bool("json") {
		if err := t.printJSON(reply); err != nil {
			return err
		}
	}
	switch {
	case !r.Success:
		return failed(reloadExit(r.Error), "%s", r.Error)
	case c.Bool("json"):
		return nil
	case dry:
		return t.print(r.diff())
	}
	return t.print("Reload successful\n")
}

// marks of what happens to a part.
var marks = map[string]string{"start": "+", "stop": "-", "replace": "!", "change": "~"}

// diff is what a reload would do, one line for each part of the node.
func (r reloaded) diff() string {
	if len(r.Changes) == 0 {
		return "Nothing would change\n"
	}
	var b strings.Builder
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "%s %s", marks[c.Action], c.Item)
		if len(c.Why) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(c.Why, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// reloadExit reads the code at the end of the node's text.
func reloadExit(text string) int {
	switch {
	case strings.Contains(text, "ERRORCODE 3"):
		return 3
	case strings.Contains(text, "ERRORCODE 4"):
		return 4
	}
	return 5
}
