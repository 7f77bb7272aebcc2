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

// Only who says so lets others look into the node.
func TestDebugHTTP(t *testing.T) {
	for address, alone := range map[string]bool{
		"localhost:1": true, "127.0.0.1:1": true, "[::1]:1": true, "/run/x": true, "0.0.0.0:1": false, ":1": false, "10.0.0.1:1": false, "example.org:1": false,
	} {
		_, err := Parse([]string{"--local-only", "--debug", "http=" + address}, world(nil))
		if (err == nil) != alone {
			t.Errorf("%s: %v", address, err)
		}
		if _, err := Parse([]string{"--local-only", "--debug", "http=" + address, "remotehttp=true"}, world(nil)); err != nil {
			t.Errorf("%s for all: %v", address, err)
		}
	}
	for _, address := range []string{"localhost", "1"} {
		if _, err := Parse([]string{"--local-only", "--debug", "http=" + address, "remotehttp=true"}, world(nil)); err == nil {
			t.Errorf("%s is an address", address)
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
