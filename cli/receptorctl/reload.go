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
		Description: "Asks the node to read its configuration file again. Exit codes: 3 something changed that needs a\nrestart, 4 the file is not valid or not there, 5 anything else.",
		Flags:       []cli.Flag{jsonFlag("print the node's answer as JSON")},
		Action:      t.reload,
	}
}

func (t *tool) reload(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	reply, err := t.ask(c.Context, "reload")
	if err != nil {
		return err
	}
	var r struct {
		Success bool
		Error   string
	}
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
	}
	return t.print("Reload successful\n")
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
