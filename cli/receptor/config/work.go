package config

import (
	"fmt"
	"slices"
)

// WorkCommand is a type of work that runs a command.
type WorkCommand struct {
	WorkType           string
	Command            string
	Params             string
	AllowRuntimeParams bool
	VerifySignature    bool
}

var workActions = []action{
	define(action{
		name: "work-command", section: workers,
		about: "A type of work that runs a command.",
	}, WorkCommand{}, applyWorkCommand,
		with("worktype", required|nonEmpty, "Name of the type of work.",
			func(w *WorkCommand) *string { return &w.WorkType }),
		with("command", required|nonEmpty, "Command to run.",
			func(w *WorkCommand) *string { return &w.Command }),
		with("params", 0, "Parameters of the command, in shell quoting.",
			func(w *WorkCommand) *string { return &w.Params }),
		with("allowruntimeparams", 0, "Let whoever submits add parameters.",
			func(w *WorkCommand) *bool { return &w.AllowRuntimeParams }),
		with("verifysignature", 0, "Take signed work only.",
			func(w *WorkCommand) *bool { return &w.VerifySignature }),
	),
}

func applyWorkCommand(c *Config, w *WorkCommand) error {
	taken := func(other WorkCommand) bool { return other.WorkType == w.WorkType }
	if w.WorkType == "remote" || slices.ContainsFunc(c.WorkCommands, taken) {
		return fmt.Errorf("work type %s already registered", w.WorkType)
	}
	if w.VerifySignature {
		return fmt.Errorf("VerifySignature for work command '%s' is true, but the work verification public key is not specified", w.WorkType)
	}
	c.WorkCommands = append(c.WorkCommands, *w)
	return nil
}
