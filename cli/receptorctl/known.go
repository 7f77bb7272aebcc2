package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

// known are the candidates of a kind; none if the node does not answer.
func (t *tool) known(ctx context.Context, y *typing, kind string) []candidate {
	switch kind {
	case "NODE":
		return nodesOf(t.askStatus(ctx))
	case "SERVICE":
		return servicesOf(t.askStatus(ctx), y.args)
	case "WORKTYPE", "TYPE":
		return workTypesOf(t.askStatus(ctx), y.local["node"])
	case "UNIT_ID", "UNIT_IDS", "ID":
		return slices.DeleteFunc(t.unitsAt(ctx, y.local["node"], y.local["tls-client"]), func(c candidate) bool {
			return slices.Contains(y.args, c.value)
		})
	case "STATES":
		return named("Pending", "Running", "Succeeded", "Failed", "Canceled")
	case "SHELL":
		return named(shells...)
	case "TLS_CLIENT":
		file, err := readConfig(t.settings.config)
		if err != nil {
			return nil
		}
		return named(slices.Sorted(maps.Keys(file.tlsClients))...)
	}
	return nil
}

func named(values ...string) []candidate {
	list := make([]candidate, len(values))
	for i, v := range values {
		list[i].value = v
	}
	return list
}

// globalValue is that of an option before the command, or of its variable.
func (y *typing) globalValue(name string) string {
	if v := y.global[name]; v != "" {
		return v
	}
	for _, f := range globalFlags() {
		if doc, ok := f.(cli.DocGenerationFlag); ok && f.Names()[0] == name && len(doc.GetEnvVars()) > 0 {
			return os.Getenv(doc.GetEnvVars()[0])
		}
	}
	return ""
}

// askStatus is empty if there is no answer.
func (t *tool) askStatus(ctx context.Context) status {
	var st status
	reply, err := t.ask(ctx, "status")
	if err != nil || json.Unmarshal(reply, &st) != nil {
		return status{}
	}
	return st
}

func nodesOf(st status) []candidate {
	what := map[string]string{}
	for _, n := range st.KnownConnectionCosts {
		what[n.name] = "no route"
	}
	for _, r := range st.RoutingTable {
		what[r.name] = "via " + r.value
		if r.name == r.value {
			what[r.name] = "neighbour"
		}
	}
	if st.NodeID != "" {
		what[st.NodeID] = "this node"
	}
	return sorted(what)
}

// servicesOf are those of the node in args.
func servicesOf(st status, args []string) []candidate {
	what := map[string]string{}
	for _, ad := range st.Advertisements {
		if len(args) > 0 && (ad.NodeID == args[0] || ad.NodeID == st.NodeID && strings.EqualFold(args[0], "localhost")) {
			what[ad.Service] = connTypes[ad.ConnType]
		}
	}
	return sorted(what)
}

// workTypesOf are those of a node, or of the one that was asked.
func workTypesOf(st status, node string) []candidate {
	if node == "" || strings.EqualFold(node, "localhost") {
		node = st.NodeID
	}
	what := map[string]string{}
	for _, ad := range st.Advertisements {
		for _, wc := range ad.WorkCommands {
			if ad.NodeID != node {
				continue
			}
			what[wc.WorkType] = "on " + node
			if wc.Secure {
				what[wc.WorkType] += ", wants --signwork"
			}
		}
	}
	return sorted(what)
}

// unitsAt are the units of a node.
func (t *tool) unitsAt(ctx context.Context, node, tlsName string) []candidate {
	s, err := t.openAt(ctx, node, tlsName)
	if err != nil {
		return nil
	}
	defer s.Close()
	line, err := client.Line("work", "list")
	if err != nil {
		return nil
	}
	reply, err := s.Command(line)
	var units members[unitStatus]
	if err != nil || json.Unmarshal(reply, &units) != nil {
		return nil
	}
	list := make([]candidate, len(units))
	for i, u := range units {
		list[i] = candidate{u.name, fmt.Sprintf("%s %s", u.value.StateName, u.value.WorkType)}
	}
	return list
}

func sorted(what map[string]string) []candidate {
	var list []candidate
	for _, name := range slices.Sorted(maps.Keys(what)) {
		list = append(list, candidate{name, what[name]})
	}
	return list
}
