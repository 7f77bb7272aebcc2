package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// complete fills in what of the node depends on the host.
func (n *Node) complete(env Env) error {
	if n.DataDir == "" {
		n.DataDir = filepath.Join(env.TempDir(), "receptor")
	}
	if n.ID == "" {
		host, err := env.Hostname()
		if err != nil {
			return fmt.Errorf("no node ID specified and the host name is unknown: %w", err)
		}
		if lower := strings.ToLower(host); lower == "localhost" || strings.HasPrefix(lower, "localhost.") {
			return fmt.Errorf("no node ID specified and local host name is %s", lower)
		}
		n.ID = host
	}
	return checkNodeID(n.ID)
}

// checkNodeID refuses what cannot name a node. The ID is part of a path in the
// data directory, and it is shown on terminals.
func checkNodeID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("node ID must not be empty")
	case strings.EqualFold(id, "localhost"):
		return fmt.Errorf("node ID %q is reserved", "localhost")
	case id == "." || id == "..":
		return fmt.Errorf("node ID %q names a directory", id)
	case strings.Contains(id, "/"):
		return fmt.Errorf("node ID %q contains a slash", id)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("node ID %q contains control characters", id)
	}
	return nil
}
