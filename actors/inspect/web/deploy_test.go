package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var (
	metricName = regexp.MustCompile(`\b(?:receptor|go|process)_[a-z_]+\b`)
	labelUse   = regexp.MustCompile(`(receptor_[a-z_]+)\{([^}]*)\}`)
	labelName  = regexp.MustCompile(`([a-z]+)\s*(?:=~|!~|!=|=)`)
)

// rules are the expressions of the alert rules.
func rules(t *testing.T) []string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "deploy", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Expr == "" {
				t.Errorf("a rule without name or expression: %+v", r)
			}
			all = append(all, r.Expr)
		}
	}
	return all
}

// panels are the expressions of the dashboard.
func panels(t *testing.T) []string {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "deploy", "grafana", "receptor.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range board.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// The dashboard and the alert rules ask for metrics and labels that there are.
func TestShippedQueriesNameMetrics(t *testing.T) {
	labels := map[string][]string{}
	for _, m := range all {
		_, rest, _ := strings.Cut(m.desc.String(), "variableLabels: {")
		list, _, _ := strings.Cut(rest, "}")
		labels[nameOf(m)] = append(strings.Split(list, ","), "instance", "job")
	}
	queries := append(rules(t), panels(t)...)
	if len(queries) < 20 {
		t.Fatalf("only %d queries were found", len(queries))
	}
	for _, q := range queries {
		for _, name := range metricName.FindAllString(q, -1) {
			if strings.HasPrefix(name, "receptor_") && labels[name] == nil {
				t.Errorf("%s: there is no metric %s", q, name)
			}
		}
		for _, use := range labelUse.FindAllStringSubmatch(q, -1) {
			for _, l := range labelName.FindAllStringSubmatch(use[2], -1) {
				if !slices.Contains(labels[use[1]], l[1]) {
					t.Errorf("%s: %s has no label %s", q, use[1], l[1])
				}
			}
		}
	}
}
