package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

func (t *tool) statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "Show the status of the Receptor network.",
		Description: "Shows what the node knows: its neighbours, all connections of the mesh, its routes, and the\nservices and work types of all nodes.",
		Flags: []cli.Flag{
			toggle("long", "l", "show, too, how good the links to the neighbours are"),
			&cli.StringFlag{Name: "node", Usage: "`NODE` to ask (default: the node we are connected to)"},
			nodeTLSFlag(), jsonFlag("print the node's answer as JSON"),
		},
		Action: t.status,
	}
}

func (t *tool) status(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	var s *client.Session
	var err error
	node := c.String("node")
	if node == "" {
		s, err = t.dial(c.Context) // the answer tells the version
	} else {
		s, err = t.openAt(c.Context, node, c.String("tls-client"))
	}
	if err != nil {
		return err
	}
	defer s.Close()
	reply, err := s.Command("status")
	if err != nil {
		return err
	}
	if node == "" {
		t.compareVersion(reply)
	}
	if c.Bool("long") {
		return t.statusWithLinks(c, s, reply)
	}
	if c.Bool("json") {
		return t.printJSON(reply)
	}
	text, err := statusText(reply)
	if err != nil {
		return err
	}
	return t.print(text)
}

// status is the reply; the order of everything in it is that of the lines.
type status struct {
	NodeID          string
	Version         string
	SystemCPUCount  json.Number
	SystemMemoryMiB json.Number
	Connections     []struct {
		NodeID string
		Cost   json.Number
	}
	KnownConnectionCosts members[members[json.Number]]
	RoutingTable         members[string]
	Advertisements       []advertisement
}

type advertisement struct {
	NodeID, Service string
	Time            string
	ConnType        int
	Tags            json.RawMessage
	WorkCommands    []workCommand
}

type workCommand struct {
	WorkType string
	Secure   bool
}

var knownMembers = []string{
	"NodeID", "Version", "SystemCPUCount", "SystemMemoryMiB",
	"Connections", "KnownConnectionCosts", "RoutingTable", "Advertisements",
}

// statusText is the table. A section without lines is left out.
func statusText(reply json.RawMessage) (string, error) {
	reply = cutJSON(reply)
	var st, raw status
	if err := errors.Join(json.Unmarshal(flatJSON(reply), &st), json.Unmarshal(reply, &raw)); err != nil {
		return "", fmt.Errorf("read status: %w", err)
	}
	for i := range st.Advertisements { // Python's form has escapes of its own
		st.Advertisements[i].Tags = raw.Advertisements[i].Tags
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Node ID: %s\nVersion: %s\nSystem CPU Count: %s\nSystem Memory MiB: %s\n",
		st.NodeID, st.Version, st.SystemCPUCount, st.SystemMemoryMiB)
	st.writeMesh(&b)
	if err := st.writeServices(&b); err != nil {
		return "", err
	}
	st.writeWorkTypes(&b, "Work Types", false)
	st.writeWorkTypes(&b, "Secure Work Types", true)
	err := writeAdditional(&b, reply)
	return b.String(), err
}

// width is that of the column of node names.
func (st *status) width() int {
	w := 12
	for _, c := range st.Connections {
		w = max(w, len([]rune(c.NodeID)))
	}
	for _, n := range st.KnownConnectionCosts {
		w = max(w, len([]rune(n.name)))
	}
	return w
}

func (st *status) writeMesh(b *strings.Builder) {
	w := st.width()
	heading := section(b, w)
	for _, c := range st.Connections {
		heading("Connection", "Cost")
		fmt.Fprintf(b, "%-*s %s\n", w, c.NodeID, c.Cost)
	}
	heading = section(b, w)
	for _, n := range st.KnownConnectionCosts {
		heading("Known Node", "Known Connections")
		fmt.Fprintf(b, "%-*s ", w, n.name)
		for _, peer := range n.value {
			fmt.Fprintf(b, "%s: %s ", peer.name, peer.value)
		}
		b.WriteByte('\n')
	}
	heading = section(b, w)
	for _, r := range st.RoutingTable {
		heading("Route", "Via")
		fmt.Fprintf(b, "%-*s %s\n", w, r.name, r.value)
	}
}

// section returns a function that writes the heading the first time it is called.
func section(b *strings.Builder, w int) func(first, rest string) {
	done := false
	return func(first, rest string) {
		if !done {
			fmt.Fprintf(b, "\n%-*s %s\n", w, first, rest)
		}
		done = true
	}
}

var connTypes = map[int]string{0: "Datagram", 1: "Stream", 2: "StreamTLS"}

func (st *status) writeServices(b *strings.Builder) error {
	w := st.width()
	heading := section(b, w)
	for _, ad := range st.Advertisements {
		heading("Node", "Service   Type       Last Seen             Tags")
		tags, err := tagsText(ad.Tags)
		if err != nil {
			return err
		}
		kind, ok := connTypes[ad.ConnType]
		if !ok {
			kind = fmt.Sprint(ad.ConnType)
		}
		fmt.Fprintf(b, "%-*s %-9s %-10s %-21s %-16s\n", w, ad.NodeID, ad.Service, kind, lastSeen(ad.Time), tags)
	}
	return nil
}

func tagsText(tags json.RawMessage) (string, error) {
	if len(tags) == 0 || string(tags) == "null" {
		return "-", nil
	}
	text, err := pythonText(tags)
	if err != nil {
		return "", fmt.Errorf("read tags: %w", err)
	}
	return text, nil
}

// lastSeen is the wall clock of the advertising node, as it was sent.
func lastSeen(sent string) string {
	at, err := time.Parse(time.RFC3339Nano, sent)
	if err != nil {
		return sent
	}
	return at.Format(time.DateTime)
}

// writeWorkTypes lists the work types of each node once: every advertisement of a
// node repeats them.
func (st *status) writeWorkTypes(b *strings.Builder, title string, secure bool) {
	w := st.width()
	heading := section(b, w)
	var seen []string
	for _, ad := range st.Advertisements {
		var types []string
		for _, wc := range ad.WorkCommands {
			if wc.Secure == secure {
				types = append(types, wc.WorkType)
			}
		}
		if len(types) == 0 || slices.Contains(seen, ad.NodeID) {
			continue
		}
		seen = append(seen, ad.NodeID)
		heading("Node", title)
		fmt.Fprintf(b, "%-*s %s\n", w, ad.NodeID, strings.Join(types, ", "))
	}
}

// writeAdditional shows what a newer node tells and this program has no table for.
func writeAdditional(b *strings.Builder, reply json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(reply, &all); err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	for _, name := range knownMembers {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	rest, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	text, err := indent(rest)
	if err != nil {
		return err
	}
	b.WriteString("Additional data returned from Receptor:\n" + text)
	return nil
}
