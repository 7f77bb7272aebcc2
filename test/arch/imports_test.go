package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

const module = "receptor"

// pkg is what `go list` knows of a package.
type pkg struct {
	ImportPath string
	Doc        string
	GoFiles    []string
	Imports    []string
}

// listPackages lists this module's packages.
func listPackages(root string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,GoFiles,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// rule says what packages below a folder must never import.
type rule struct {
	under string // a folder, or "" for all
	never []string
	but   []string // unless below one of these
	why   string
}

const actorLibrary = "github.com/asynkron/protoactor-go"

// pure is code with time, randomness and the world as parameters.
var pure = []string{
	"transport/wire", "transport/frame", "actors/router/route", "actors/links/handshake", "actors/links/quality", "actors/work/unit", "actors/work/age", "transport/secure/cert", "transport/mesh/firewall", "actors/services/iproute",
	"actors/control/command", "cli/internal/nearest", "actors/work/pod", "actors/supervise/tree", "actors/node/change", "actors/supervise/cut",
}

var rules = []rule{
	{under: "transport", never: []string{"receptor/actors", "receptor/proto", "receptor/cli", actorLibrary},
		why: "transport moves bytes and knows no actors"},
	{under: "proto", never: []string{"receptor/actors", "receptor/transport", "receptor/cli", actorLibrary},
		why: "messages depend on nothing"},
	{under: "actors", never: []string{"receptor/cli", "receptor/test"},
		why: "the tree does not know who starts it"},
	{under: "cli", never: []string{"receptor/actors"},
		// work: the command runner; levels and cut: of the log, which the program writes
		but: []string{
			"receptor/actors/node", "receptor/actors/work",
			"receptor/actors/supervise/levels", "receptor/actors/supervise/cut", "receptor/actors/supervise/tree",
		},
		why: "a program starts the node and nothing below it"},
	{under: "cli/receptorctl", never: []string{"receptor/actors", "receptor/transport", actorLibrary},
		// tree sums up the messages that both sides have, cut shortens what both show
		but: []string{"receptor/actors/supervise/tree", "receptor/actors/supervise/cut"},
		why: "the client talks to the socket only"},
	{never: []string{
		actorLibrary + "/remote", actorLibrary + "/cluster", actorLibrary + "/persistence",
		"github.com/gorilla", "github.com/spf13", "github.com/gogo", "gopkg.in/yaml.v2", "gopkg.in/yaml.v3",
		"github.com/sirupsen", "go.uber.org/zap",
	}, why: "the design chose another library for this"},
}

// mayImport lists the families that see more of another than its messages.
// Everybody may see supervise, and node starts them all.
var mayImport = map[string][]string{
	"control": {"work"}, // its connections copy results and watch the status through work.Feeds
}

// broken finds direct imports against the rules.
func broken(list []pkg) []string {
	var found []string
	for _, p := range list {
		for _, r := range rules {
			if !below(p.ImportPath, join(r.under)) {
				continue
			}
			for _, imported := range p.Imports {
				if matches(imported, r.never) && !matches(imported, r.but) {
					found = append(found, fmt.Sprintf("%s imports %s: %s", p.ImportPath, imported, r.why))
				}
			}
		}
		found = append(found, brokenFamily(p)...)
	}
	return found
}

// brokenFamily finds a family that reaches into another.
func brokenFamily(p pkg) []string {
	own, ok := familyOf(p.ImportPath)
	if !ok || own == "node" {
		return nil
	}
	var found []string
	for _, imported := range p.Imports {
		other, ok := familyOf(imported)
		if !ok || other == own || imported == "receptor/actors/supervise" || strings.HasPrefix(imported, "receptor/actors/supervise/") {
			continue
		}
		if !slices.Contains(mayImport[own], other) || imported != "receptor/actors/"+other {
			found = append(found, fmt.Sprintf("%s imports %s: families talk in messages", p.ImportPath, imported))
		}
	}
	return found
}

// impure finds what pure packages import that touches the world.
func impure(list []pkg) []string {
	world := []string{
		"net", "os", "syscall", "os/exec", "math/rand", "math/rand/v2", "crypto/rand", "context", "log",
		actorLibrary, "golang.org/x/sys", "github.com/rs/zerolog",
	}
	var found []string
	for _, p := range list {
		if !slices.Contains(pure, strings.TrimPrefix(p.ImportPath, module+"/")) {
			continue
		}
		for _, imported := range p.Imports {
			inside := strings.HasPrefix(imported, module+"/")
			switch {
			case !inside && matches(imported, world) && imported != "net/netip" && imported != "net/url":
				found = append(found, fmt.Sprintf("%s imports %s: it is pure", p.ImportPath, imported))
			case inside && !isPure(imported) && !below(imported, "receptor/proto"):
				found = append(found, fmt.Sprintf("%s imports %s, which is not pure", p.ImportPath, imported))
			}
		}
	}
	return found
}

func isPure(path string) bool { return slices.Contains(pure, strings.TrimPrefix(path, module+"/")) }

// familyOf is "work" for receptor/actors/work/unit.
func familyOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, module+"/actors/")
	family, _, _ := strings.Cut(rest, "/")
	return family, ok
}

func join(folder string) string {
	if folder == "" {
		return module
	}
	return module + "/" + folder
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// matches reports whether path is one of these, or below one of them.
func matches(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if below(path, prefix) {
			return true
		}
	}
	return false
}
