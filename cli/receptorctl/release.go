package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

// releaseTimeout bounds a release at the end of a command that was interrupted. The
// answer comes after the processes of the unit have ended, which may take 10 s.
const releaseTimeout = 30 * time.Second

func (t *tool) cancelCommand() *cli.Command {
	return &cli.Command{
		Name: "cancel", Usage: "Cancel (kill) one or more units of work.", ArgsUsage: "[UNIT_IDS]...",
		Description: "A canceled unit and its output stay until they are released.",
		Flags:       []cli.Flag{jsonFlag("print a list of what became of the units as JSON")},
		Action: func(c *cli.Context) error {
			return t.eachUnit(c, "cancel", "Cancelled:", c.Args().Slice())
		},
	}
}

func (t *tool) releaseCommand() *cli.Command {
	return &cli.Command{
		Name: "release", Usage: "Release (delete) one or more units of work.", ArgsUsage: "[UNIT_IDS]...",
		Description: "A unit that is still running is canceled first.",
		Flags: []cli.Flag{
			toggle("force", "", "delete locally even if we can't reach the remote node"),
			toggle("all", "", "delete all work units"),
			jsonFlag("print a list of what became of the units as JSON"),
		},
		Action: t.release,
	}
}

func (t *tool) release(c *cli.Context) error {
	verb := "release"
	if c.Bool("force") {
		verb = "force-release"
	}
	if !c.Bool("all") {
		return t.eachUnit(c, verb, "Released:", c.Args().Slice())
	}
	reply, err := t.ask(c.Context, "work", "list")
	if err != nil {
		return err
	}
	ids, err := unitIDs(reply)
	if err != nil {
		return err
	}
	return t.units(c, verb, "Released:", ids)
}

func (t *tool) eachUnit(c *cli.Context, verb, title string, ids []string) error {
	if len(ids) == 0 {
		t.warn("No unit IDs supplied: Not doing anything")
		if c.Bool("json") {
			return t.printJSON([]string{})
		}
		return nil
	}
	return t.units(c, verb, title, ids)
}

// unitAnswer is what became of a unit; Error instead of Result if it was refused.
type unitAnswer struct {
	Unit   string `json:"unitid"`
	Result string `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// units cancels or releases one unit after the other, on one connection, and stops
// at the first that fails.
func (t *tool) units(c *cli.Context, verb, title string, ids []string) error {
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	answers := []unitAnswer{}
	show := func(a unitAnswer) error { return t.print(fmt.Sprintf("(%s, %s)\n", a.Unit, a.Result)) }
	if c.Bool("json") {
		show = func(a unitAnswer) error { answers = append(answers, a); return nil }
	} else if err := t.print(title + "\n"); err != nil {
		return err
	}
	err = endUnits(s, verb, ids, show)
	if !c.Bool("json") {
		return err
	}
	var refused *unitError
	switch {
	case errors.As(err, &refused):
		answers = append(answers, unitAnswer{Unit: refused.unit, Error: refused.text})
	case err != nil:
		answers = append(answers, unitAnswer{Unit: ids[len(answers)], Error: explain(err).text})
	}
	return errors.Join(t.printJSON(answers), err)
}

// unitError is a unit the node would not end.
type unitError struct{ unit, text string }

func (e *unitError) Error() string { return e.unit + ": ERROR: " + e.text }

func endUnits(s *client.Session, verb string, ids []string, show func(unitAnswer) error) error {
	for _, id := range ids {
		result, err := endUnit(s, verb, id)
		if remote := (*client.RemoteError)(nil); errors.As(err, &remote) {
			return &unitError{unit: id, text: remote.Text}
		}
		if err != nil {
			return err
		}
		if err := show(unitAnswer{Unit: id, Result: result}); err != nil {
			return err
		}
	}
	return nil
}

// endUnit returns the node's word for what it did: cancelled, release pending, ...
func endUnit(s *client.Session, verb, id string) (string, error) {
	line, err := client.Line("work", verb, id)
	if err != nil {
		return "", err
	}
	reply, err := s.Command(line)
	if err != nil {
		return "", err
	}
	var said members[string]
	if err := json.Unmarshal(reply, &said); err != nil || len(said) == 0 {
		return "", &client.ReplyError{Line: string(reply)}
	}
	return said[0].name, nil
}

// releaseAfter releases a unit at the end of a command, even an interrupted one.
func (t *tool) releaseAfter(ctx context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	s, err := t.open(ctx)
	if err != nil {
		return "", fmt.Errorf("release unit %s: %w", id, err)
	}
	defer s.Close()
	result, err := endUnit(s, "release", id)
	if err != nil {
		return "", fmt.Errorf("release unit %s: %w", id, err)
	}
	return result, nil
}
