package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/actors/supervise/levels"
	"receptor/cli/receptor/config"
	"receptor/cli/receptor/logging"
)

// stopTimeout is how long the node may take to stop after a signal.
const stopTimeout = 10 * time.Second

// serve runs the node until a signal or its own end.
func (p *program) serve(cfg *config.Config) error {
	read := stateOf(cfg.Files) // what changes while the node starts is noticed, too
	level, ok := logging.ParseLevel(cfg.LogLevel)
	if !ok {
		return fmt.Errorf("%s is not a valid log level name", cfg.LogLevel)
	}
	zerolog.DurationFieldFormat = zerolog.DurationFormatString // 1.5s, not 1500
	p.log = logging.NewOutput(p.out, cfg.LogFormat == config.FormatJSON)
	levels := levels.New(level, familyLevels(cfg.FamilyLevels))
	log := levels.Logger(p.log.Logger(zerolog.DebugLevel), "node")
	p.levels, p.tracer = levels, p.log.Tracer()
	settings := p.settings(cfg, log)
	if settings.CountBackends() == 0 {
		log.Warn().Msg("Nothing to do - no backends are running.")
		fmt.Fprintf(p.out, "Run %s --help for command line instructions.\n", p.name)
		return errTold
	}
	// The UDP buffers that the library misses don't matter on a mesh.
	if err := os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "1"); err != nil {
		return err
	}
	signals := notify(settings.Reread != nil)
	n, err := node.Start(settings, log)
	if err != nil {
		return err
	}
	log.Info().Msg("Initialization complete")
	debug.FreeOSMemory() // what only the start has needed: a tenth of an idle node's memory
	reload := startReloader(n, log)
	defer reload.stop()
	if cfg.V2 && settings.Reread != nil {
		defer p.follow(cfg.Files, read, reload, log)()
	}
	return wait(n, reload, signals, log)
}

// besideDaemon is the path of a file in the folder of this program, wherever links
// have led to it; empty if that can't be told.
func besideDaemon(name string) string {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(self), name)
}

// notify catches the signals that ask for a stop, and the one for a reload where
// there is a file to read; elsewhere it means that the terminal is gone. One that was
// ignored from the beginning, as a shell does for its background jobs, stays so.
func notify(reloads bool) <-chan os.Signal {
	signals := make(chan os.Signal, 4)
	caught := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if reloads {
		caught = append(caught, syscall.SIGHUP)
	}
	for _, sig := range caught {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	return signals
}

// wait returns when the node has ended.
func wait(n *node.Node, reload *reloader, signals <-chan os.Signal, log zerolog.Logger) error {
	for stopping := false; !stopping; {
		select {
		case <-n.Done():
			return ended(n.Err(), log)
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				reload.soon()
				continue
			}
			log.Info().Str("signal", sig.String()).Msg("stopping")
			stopping = true
		}
	}
	signal.Reset(syscall.SIGTERM, syscall.SIGINT) // a second one ends the process at once
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		log.Error().Err(err).Dur("took", stopTimeout).Msg("the node did not stop in order")
		return errTold
	}
	return nil
}

// ended is the end that nobody asked for.
func ended(err error, log zerolog.Logger) error {
	if err == nil {
		err = errors.New("the node ended by itself")
	}
	log.Error().Err(err).Msg("the node failed, shutting down")
	return errTold
}
