package config

import (
	"maps"
	"testing"
)

func TestDebugStaysABareFlag(t *testing.T) {
	for name, c := range map[string]*Config{
		"command line": mustParse(t, nil, "--local-only", "--debug"),
		"list":         mustParse(t, map[string]string{"f.yml": "- local-only\n- debug\n"}, "--config", "f.yml"),
		"map":          mustParse(t, map[string]string{"f.yml": "local-only: {local: true}\ndebug: {}\n"}, "--config", "f.yml"),
	} {
		if !c.Debug || c.DebugOptions != (Debug{}) {
			t.Errorf("%s: %+v", name, c.DebugOptions)
		}
	}
	if c := mustParse(t, nil, "--local-only"); c.Debug {
		t.Errorf("without it: %v", c.Debug)
	}
}

func TestDebugParameters(t *testing.T) {
	for name, c := range map[string]*Config{
		"command line": mustParse(t, nil, "--local-only", "--debug", "actions=true", "remote=true"),
		"list":         mustParse(t, map[string]string{"f.yml": "- local-only\n- debug:\n    actions: true\n    remote: true\n"}, "--config", "f.yml"),
	} {
		if !c.Debug || !c.DebugOptions.Remote || !c.DebugOptions.Actions {
			t.Errorf("%s: %+v", name, c.DebugOptions)
		}
	}
}

func TestLogParameters(t *testing.T) {
	c := mustParse(t, nil, "--local-only", "--log-level", "Warning", "links=Debug", "work=error", "--log-format", "json")
	want := map[string]string{"links": "debug", "work": "error"}
	if c.LogLevel != "warning" || c.LogFormat != FormatJSON || !maps.Equal(c.FamilyLevels, want) {
		t.Errorf("level %s, families %v, format %s", c.LogLevel, c.FamilyLevels, c.LogFormat)
	}
	if c := mustParse(t, nil, "--local-only", "--log-format", "text"); c.LogFormat != "text" || c.LogLevel != "info" {
		t.Errorf("text: format %s, level %s", c.LogFormat, c.LogLevel)
	}
}
