package config

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// WorkCommand is a type of work that runs a command.
type WorkCommand struct {
	WorkType           string
	Command            string
	Params             string
	AllowRuntimeParams bool
	VerifySignature    bool
	Limits
}

// WorkPython is a type of work that a Python plug-in does.
type WorkPython struct {
	WorkType        string
	Plugin          string // an entry point of the group receptor.worker
	Function        string
	Config          map[string]any // for the function
	Interpreter     string
	VerifySignature bool
	Limits
}

// Limits of a type of work; zero is no limit.
type Limits struct {
	MaxConcurrent int           // units that run at a time
	MaxQueued     int           // units that wait for their turn
	MaxOutput     int           // bytes of a unit
	Retention     time.Duration // of finished units

	retention string // as written
}

// limited makes the parameters that every type of work has.
func limited[T any](at func(*T) *Limits) []param {
	return []param{
		with("maxconcurrent", 0, "Units that run at a time; others wait. 0: any number.",
			func(w *T) *int { return &at(w).MaxConcurrent }),
		with("maxqueued", 0, "Units that wait; more are refused. 0: any number.",
			func(w *T) *int { return &at(w).MaxQueued }),
		with("maxoutput", 0, "Bytes a unit may put out; one that puts out more fails. 0: any number.",
			func(w *T) *int { return &at(w).MaxOutput }),
		with("retention", 0, "Release units so long after their end, as 24h. Without it they stay.",
			func(w *T) *string { return &at(w).retention }),
	}
}

func (l *Limits) check(worktype string) (err error) {
	if l.MaxConcurrent < 0 || l.MaxQueued < 0 || l.MaxOutput < 0 {
		return fmt.Errorf("limits of work type %s must not be negative", worktype)
	}
	if l.retention != "" {
		l.Retention, err = parseSpan("retention", l.retention)
	}
	return err
}

// WorkSigning is how this node signs what it asks of others.
type WorkSigning struct {
	PrivateKey      string
	TokenExpiration time.Duration

	expiration string // as written
}

// WorkVerification is how this node checks what others ask of it.
type WorkVerification struct {
	PublicKey      string
	ClockTolerance time.Duration

	tolerance string // as written
}

// defaultExpiration is meant by the existing system, which fails without one.
const defaultExpiration = "5m"

var workActions = []action{
	define(action{
		name: "work-signing", section: workers, is: singleton,
		about: "Sign what this node asks of others, where it is wanted.",
	}, WorkSigning{expiration: defaultExpiration}, applyWorkSigning,
		with("privatekey", bare, "File with the RSA private key.",
			func(w *WorkSigning) *string { return &w.PrivateKey }),
		with("tokenexpiration", 0, "How long a signature is good, as 5m or 1h30m.",
			func(w *WorkSigning) *string { return &w.expiration }),
	),
	define(action{
		name: "work-verification", section: workers, is: singleton,
		about: "Check the signatures of work that others ask for.",
	}, WorkVerification{}, applyWorkVerification,
		with("publickey", bare, "File with the RSA public key.",
			func(w *WorkVerification) *string { return &w.PublicKey }),
		with("clocktolerance", 0, "How far the clocks of others may differ, as 30s.",
			func(w *WorkVerification) *string { return &w.tolerance }),
	),
	define(action{
		name: "work-command", section: workers,
		about: "A type of work that runs a command.",
	}, WorkCommand{}, applyWorkCommand,
		append([]param{
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
		}, limited(func(w *WorkCommand) *Limits { return &w.Limits })...)...,
	),
	kubernetesAction,
	define(action{
		name: "work-python", section: workers,
		about: "A type of work that a function of a Python plug-in does, in a process of its own.",
	}, WorkPython{}, applyWorkPython,
		append([]param{
			with("worktype", required|nonEmpty, "Name of the type of work.",
				func(w *WorkPython) *string { return &w.WorkType }),
			with("plugin", required|nonEmpty, "Entry point of the group receptor.worker.",
				func(w *WorkPython) *string { return &w.Plugin }),
			with("function", required|nonEmpty, "Function of the plug-in.",
				func(w *WorkPython) *string { return &w.Function }),
			with("config", 0, "Configuration for the function.",
				func(w *WorkPython) *map[string]any { return &w.Config }),
			with("interpreter", 0, "Python to run. Without it python3.",
				func(w *WorkPython) *string { return &w.Interpreter }),
			with("verifysignature", 0, "Take signed work only.",
				func(w *WorkPython) *bool { return &w.VerifySignature }),
		}, limited(func(w *WorkPython) *Limits { return &w.Limits })...)...,
	),
}

func applyWorkSigning(c *Config, w *WorkSigning) error {
	expiration, err := time.ParseDuration(w.expiration)
	if err != nil || expiration <= 0 {
		return errors.New("failed to parse TokenExpiration -- valid examples include '1.5h', '30m', '30m10s'")
	}
	w.TokenExpiration = expiration
	c.WorkSigning = w
	return nil
}

func applyWorkVerification(c *Config, w *WorkVerification) (err error) {
	if w.tolerance != "" {
		if w.ClockTolerance, err = parseSpan("clocktolerance", w.tolerance); err != nil {
			return err
		}
	}
	c.WorkVerification = w
	return nil
}

func applyWorkCommand(c *Config, w *WorkCommand) error {
	if err := c.claimWork(w.WorkType); err != nil {
		return err
	}
	c.WorkCommands = append(c.WorkCommands, *w)
	return c.WorkCommands[len(c.WorkCommands)-1].check(w.WorkType)
}

func applyWorkPython(c *Config, w *WorkPython) error {
	if err := c.claimWork(w.WorkType); err != nil {
		return err
	}
	c.WorkPython = append(c.WorkPython, *w)
	return c.WorkPython[len(c.WorkPython)-1].check(w.WorkType)
}

// claimWork takes the name of a type of work.
func (c *Config) claimWork(name string) error {
	if name == "remote" ||
		slices.ContainsFunc(c.WorkCommands, func(w WorkCommand) bool { return w.WorkType == name }) ||
		slices.ContainsFunc(c.WorkKubernetes, func(w WorkKubernetes) bool { return w.WorkType == name }) ||
		slices.ContainsFunc(c.WorkPython, func(w WorkPython) bool { return w.WorkType == name }) {
		return fmt.Errorf("work type %s already registered", name)
	}
	return nil
}

// parseSpan reads a span of time that is not negative.
func parseSpan(name, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("failed to parse %s %q: valid examples include '1.5h', '30m', '30m10s'", name, text)
	}
	return d, nil
}

// checkKeys wants the key files to be there, and one to verify with where a type of
// work asks for that.
func (c *Config) checkKeys(p *problems, env Env) {
	readable := func(file string) {
		if _, err := env.ReadFile(file); err != nil {
			p.add(fmt.Errorf("%s does not exist", file))
		}
	}
	c.checkKubeconfigs(p, env)
	if c.WorkSigning != nil {
		readable(c.WorkSigning.PrivateKey)
	}
	if c.WorkVerification != nil {
		readable(c.WorkVerification.PublicKey)
		return
	}
	for _, w := range c.WorkCommands {
		if w.VerifySignature {
			p.add(unverifiable("command", w.WorkType))
		}
	}
	for _, w := range c.WorkPython {
		if w.VerifySignature {
			p.add(unverifiable("python", w.WorkType))
		}
	}
}

func unverifiable(kind, worktype string) error {
	return fmt.Errorf("VerifySignature for work %s '%s' is true, but the work verification public key is not specified", kind, worktype)
}
