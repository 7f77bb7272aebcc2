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
			t.submitCommand(), t.listCommand(), t.workStatusCommand(), t.resultsCommand(), t.logsCommand(),
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

const listDescription = `On a terminal, prints a table of the units, the newest first. Elsewhere, and with
--json, prints the status of each as JSON, the form which scripts rely on; with -q only
the IDs, one a line.`

func (t *tool) listCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "List known units of work.",
		Description: listDescription,
		Flags: []cli.Flag{
			toggle("quiet", "q", "only list unit IDs with no detail"),
			&cli.StringFlag{Name: "node", Usage: "`NODE` to list work from (default: the node we are connected to)"},
			&cli.StringFlag{Name: "unit_id", Aliases: []string{"unit-id"}, Usage: "only show the unit with this `ID`"},
			&cli.StringFlag{Name: "state", Usage: "only units in one of these `STATES`, separated by commas"},
			&cli.StringFlag{Name: "type", Usage: "only units of this work `TYPE`, here or on another node"},
			&cli.StringFlag{Name: "runs-on", Usage: "only units whose work is done on this `NODE`"},
			&cli.StringFlag{Name: "after", Usage: "only units that follow this `ID`: the last one of the page before"},
			&cli.IntFlag{Name: "limit", Usage: "only the first `N` of them"},
			nodeTLSFlag(),
			toggle("table", "", "print a table: the default on a terminal"),
			jsonFlag("print as JSON: the default elsewhere (with -q a list of IDs)"),
		},
		Action: t.list,
	}
}

func (t *tool) list(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	question, err := listQuestion(c)
	if err != nil {
		return err
	}
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	if question.Unit == "" && !c.Bool("json") && !c.Bool("quiet") && (c.Bool("table") || isTerminal(t.out)) {
		return t.listTable(s, question)
	}
	reply, err := s.List(question)
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

func listQuestion(c *cli.Context) (client.List, error) {
	q := client.List{
		Unit: c.String("unit_id"), State: c.String("state"), WorkType: c.String("type"),
		Node: c.String("runs-on"), After: c.String("after"), Limit: c.Int("limit"),
	}
	if c.IsSet("limit") && q.Limit < 1 {
		return q, misusedIn(c, "--limit must be at least 1")
	}
	if q.Unit != "" && q != (client.List{Unit: q.Unit}) {
		return q, misusedIn(c, "--unit_id shows one unit: it can't be narrowed by --state, --type, --runs-on, --after or --limit")
	}
	return q, nil
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
