package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/actors/node/change"
	"receptor/cli/receptor/config"
	"receptor/cli/receptor/logging"
)

// settings are what the node is started with, or is to become.
func (p *program) settings(cfg *config.Config, log zerolog.Logger) node.Config {
	for _, text := range cfg.Warnings {
		log.Warn().Msg(text)
	}
	settings := nodeConfig(cfg, version)
	settings.RunnerProgram = besideDaemon("receptor-runner")
	settings.Levels = p.levels
	settings.SetLogLevel = func(name string, families map[string]string) {
		if level, ok := logging.ParseLevel(name); ok {
			p.levels.Configure(level, familyLevels(families))
		}
	}
	settings.SetLogFormat = func(format string) { p.log.SetJSON(format == config.FormatJSON) }
	if cfg.Trace {
		settings.Tracer = p.tracer
	}
	if len(cfg.Files) > 0 {
		settings.Reread = func(dryRun bool) (node.Config, error) { return p.reread(log, dryRun) }
	}
	return settings
}

// reread reads the command line again, and with it its files.
func (p *program) reread(log zerolog.Logger, dryRun bool) (node.Config, error) {
	cfg, err := config.Parse(p.args, p.env())
	if err != nil {
		return node.Config{}, oneError(err)
	}
	if !cfg.Serves || cfg.Show != config.ShowNothing {
		return node.Config{}, fmt.Errorf("%s asks for no node any more", strings.Join(cfg.Files, ", "))
	}
	if err := p.makeAgain(cfg, dryRun); err != nil {
		return node.Config{}, err
	}
	return p.settings(cfg, log), nil
}

// makeAgain makes the certificates that are missing, as at the start. Nobody is there to
// answer a question.
func (p *program) makeAgain(cfg *config.Config, dryRun bool) error {
	if !dryRun {
		if err := p.make(cfg, strings.NewReader(""), io.Discard); err != nil {
			return fmt.Errorf("making certificates: %w", err)
		}
		return nil
	}
	for _, command := range cfg.Commands {
		if !isThere(command.Product()) {
			return fmt.Errorf("a reload would first make %s, and a dry run makes nothing", strings.Join(command.Outputs(), " and "))
		}
	}
	return nil
}

// oneError has all errors on one line.
func oneError(err error) error {
	var all config.Errors
	if !errors.As(err, &all) {
		return err
	}
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = one.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// env is what the configuration is read from.
func (p *program) env() config.Env {
	return config.Env{ReadFile: readFile, Hostname: os.Hostname, TempDir: os.TempDir, Getenv: os.Getenv}
}

// reloader reloads the node, one time after the other. What is asked for while it
// does is done once, afterwards.
type reloader struct {
	asked  chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

func startReloader(n *node.Node, log zerolog.Logger) *reloader {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reloader{asked: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for {
			select {
			case <-r.asked:
				steps, err := n.Reload(ctx, false)
				tell(log, steps, err)
			case <-ctx.Done():
				return
			}
		}
	}()
	return r
}

func (r *reloader) soon() {
	select {
	case r.asked <- struct{}{}:
	default: // it is asked for already
	}
}

func (r *reloader) stop() {
	r.cancel()
	<-r.done
}

// tell logs what came of a reload that a signal asked for.
func tell(log zerolog.Logger, steps []change.Step, err error) {
	switch {
	case errors.Is(err, context.Canceled): // the node stops
	case err != nil:
		log.Warn().Msg("Reload not successful: " + err.Error())
	default:
		log.Info().Int("changes", change.Count(steps)).Msg("reload successful")
	}
}
