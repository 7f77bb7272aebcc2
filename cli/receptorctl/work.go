package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

func (t *tool) workCommand() *cli.Command {
	return &cli.Command{
		Name: "work", Usage: "Commands related to unit-of-work processing.",
		Subcommands: []*cli.Command{
			t.submitCommand(), t.listCommand(), t.workStatusCommand(), t.resultsCommand(),
			t.cancelCommand(), t.releaseCommand(), t.drainCommand(), t.resumeCommand(),
		},
		HideHelpCommand: true,
	}
}

// States of a unit.
const (
	statePending = iota
	stateRunning
	stateSucceeded
	stateFailed
	stateCanceled
)

// unitStatus is what the node says about a unit.
type unitStatus struct {
	State      int
	StateName  string
	Detail     string
	StdoutSize int64
	WorkType   string
	ExtraData  json.RawMessage
}

func (u unitStatus) final() bool { return u.State >= stateSucceeded }

func readUnit(reply json.RawMessage) (unitStatus, error) {
	var u unitStatus
	if err := json.Unmarshal(reply, &u); err != nil {
		return u, fmt.Errorf("read unit status: %w", err)
	}
	return u, nil
}

func (t *tool) listCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "List known units of work.",
		Description: "Prints the status of all units as JSON, or with -q their IDs, one a line.",
		Flags: []cli.Flag{
			toggle("quiet", "q", "only list unit IDs with no detail"),
			&cli.StringFlag{Name: "node", Usage: "`NODE` to list work from (default: the node we are connected to)"},
			&cli.StringFlag{Name: "unit_id", Aliases: []string{"unit-id"}, Usage: "only show the unit with this `ID`"},
			nodeTLSFlag(),
			jsonFlag("print as JSON (the default; with -q a list of IDs)"),
		},
		Action: t.list,
	}
}

func (t *tool) list(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	words := []string{"work", "list"}
	if unit := c.String("unit_id"); unit != "" {
		words = append(words, unit)
	}
	line, err := client.Line(words...)
	if err != nil {
		return err
	}
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	reply, err := s.Command(line)
	if err != nil {
		return err
	}
	if !c.Bool("quiet") {
		return t.printJSON(reply)
	}
	ids, err := unitIDs(reply)
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return t.printJSON(ids)
	}
	return t.print(linesOf(ids))
}

// unitIDs are the names in a list of units, in its order.
func unitIDs(reply json.RawMessage) ([]string, error) {
	var units members[json.RawMessage]
	if err := json.Unmarshal(reply, &units); err != nil {
		return nil, fmt.Errorf("read list of units: %w", err)
	}
	ids := make([]string, len(units))
	for i, u := range units {
		ids[i] = u.name
	}
	return ids, nil
}

func linesOf(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w + "\n")
	}
	return b.String()
}

func (t *tool) workStatusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "Show the status of a unit of work.", ArgsUsage: "UNIT_ID",
		Description: "The exit code says whether the status is known, not whether the unit succeeded.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "node", Usage: "`NODE` that has the unit (default: the node we are connected to)"},
			nodeTLSFlag(),
			jsonFlag("print the node's answer as JSON"),
		},
		Action: t.workStatus,
	}
}

func (t *tool) workStatus(c *cli.Context) error {
	args, err := arguments(c, "unit_id")
	if err != nil {
		return err
	}
	line, err := client.Line("work", "status", args[0])
	if err != nil {
		return err
	}
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	reply, err := s.Command(line)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printJSON(reply)
	}
	u, err := readUnit(reply)
	if err != nil {
		return err
	}
	return t.print(unitText(args[0], u))
}

// unitText shows a unit, one fact a line. Of the work type's own data the far end of
// remote work is shown.
func unitText(id string, u unitStatus) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Unit ID: %s\nWork Type: %s\nState: %s\nDetail: %s\nStdout Size: %d\n",
		id, u.WorkType, u.StateName, u.Detail, u.StdoutSize)
	var remote struct{ RemoteNode, RemoteWorkType, RemoteUnitID string }
	if err := json.Unmarshal(u.ExtraData, &remote); err != nil {
		return b.String() // ExtraData may be anything; then it is not for reading
	}
	for _, f := range []struct{ name, value string }{
		{"Remote Node", remote.RemoteNode},
		{"Remote Work Type", remote.RemoteWorkType},
		{"Remote Unit ID", remote.RemoteUnitID},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
		}
	}
	return b.String()
}
