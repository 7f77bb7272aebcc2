package work

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"

	"receptor/actors/work/runner"
	"receptor/actors/work/store"
)

// pluginProgram finds a plug-in and runs it.
//
//go:embed plugin.py
var pluginProgram string

// PythonType is a type of work that a function of a Python plug-in does, in a
// process of its own.
type PythonType struct {
	Type            string
	Plugin          string // an entry point of the group receptor.worker
	Function        string
	Config          map[string]any // what is given to the function; JSON
	Interpreter     string         // "python3" if empty
	VerifySignature bool
	Limits
}

// pythonTypes joins them to those that commands do.
func (t *terms) pythonTypes() {
	for _, p := range t.Python {
		t.types[p.Type] = CommandType{
			Type: p.Type, Command: cmp.Or(p.Interpreter, "python3"),
			VerifySignature: p.VerifySignature, Limits: p.Limits, plugin: &p,
		}
	}
}

// job is what the runner is told.
func (t CommandType) job(dir store.Dir, params string) (runner.Job, error) {
	j := runner.Job{Command: t.Command, Params: params, MaxOutput: t.MaxOutput}
	if t.plugin == nil {
		return j, nil
	}
	config := maps.Clone(t.plugin.Config)
	if config == nil {
		config = map[string]any{}
	}
	config["params"] = params
	text, err := json.Marshal(config)
	if err != nil {
		return j, fmt.Errorf("configuration of plug-in %s: %w", t.plugin.Plugin, err)
	}
	j.Args = []string{"-c", pluginProgram, t.plugin.Plugin + ":" + t.plugin.Function, dir.Stdin()}
	// Not an argument: everybody can see those.
	j.Env = []string{"RECEPTOR_WORKER_CONFIG=" + string(text)}
	return j, nil
}
