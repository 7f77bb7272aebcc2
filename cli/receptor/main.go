package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/actors/supervise/levels"
	"receptor/actors/work"
	"receptor/cli/receptor/certs"
	"receptor/cli/receptor/config"
	"receptor/cli/receptor/logging"
	"receptor/transport/mesh"
)

// version is set by the build: -ldflags "-X main.version=...".
var version string

func main() {
	if args := runnerArgs(os.Args); args != nil {
		os.Exit(work.RunCommand(args))
	}
	if os.Getpid() == 1 {
		os.Exit(asInit(os.Args, os.Stdout))
	}
	os.Exit(run(os.Args, os.Stdin, os.Stdout))
}

// runnerArgs are what a runner of a unit of work gets, or nil. Behind the name of a
// node that is only called worker, a daemon of the existing system asks for one: the
// program it runs again was replaced by this one.
func runnerArgs(args []string) []string {
	if len(args) < 3 {
		return nil
	}
	i := slices.Index(args, work.RunnerFlag)
	if i == 1 || i > 1 && args[1] == "--node" && args[2] == "id=worker" {
		return args[i+1:]
	}
	return nil
}

// errTold ends the program with status 1 when the reason is on the screen.
var errTold = errors.New("told already")

// run is the whole program; it returns the exit status.
func run(args []string, in io.Reader, out io.Writer) int {
	if len(args) == 0 {
		args = []string{"receptor"}
	}
	p := &program{name: args[0], in: in, out: out}
	err := p.app().Run(args)
	if err == nil {
		return 0
	}
	complain(out, err)
	return 1
}

// complain writes a line for each error; one of a library may have more.
func complain(out io.Writer, err error) {
	var all config.Errors
	switch {
	case errors.Is(err, errTold):
	case errors.As(err, &all):
		for _, one := range all {
			fmt.Fprintf(out, "Error: %v\n", one)
		}
	default:
		fmt.Fprintf(out, "Error: %v\n", err)
	}
}

// program is one run of the command line.
type program struct {
	name string   // argv[0]
	args []string // the others
	in   io.Reader
	out  io.Writer

	log    *logging.Output // of the node that runs
	levels *levels.Levels
	tracer mesh.Tracer // writes to the same log
}

// app takes all arguments as they are: actions and their parameters are not
// flags, and help, version and errors are ours.
func (p *program) app() *cli.App {
	return &cli.App{
		Name:            filepath.Base(p.name),
		Usage:           "run a node of a receptor mesh",
		SkipFlagParsing: true,
		HideHelp:        true,
		HideHelpCommand: true,
		HideVersion:     true,
		Writer:          p.out,
		ErrWriter:       p.out,
		ExitErrHandler:  func(*cli.Context, error) {},
		Action:          func(c *cli.Context) error { return p.start(c.Args().Slice()) },
	}
}

// start does what the arguments ask for.
func (p *program) start(args []string) error {
	if slices.Contains(args, "--config-v2") {
		fmt.Fprintln(p.out, "Running v2 cli/config")
	}
	p.args = args
	cfg, err := config.Parse(args, p.env())
	if err != nil {
		return err
	}
	if cfg.Show != config.ShowNothing {
		return p.show(cfg.Show)
	}
	if cfg.V2 {
		fmt.Fprintln(p.out, "Using config file:", strings.Join(cfg.Files, ", "))
	}
	if cfg.Check {
		return p.check(cfg)
	}
	if err := p.make(cfg, p.in, p.out); err != nil || !cfg.Serves {
		return err
	}
	if cfg.V2 && cfg.Empty() {
		fmt.Fprintln(p.out, "empty receptor config, skipping...")
		return nil
	}
	return p.serve(cfg)
}

// show prints what was asked for instead of a node.
func (p *program) show(what config.Show) error {
	switch what {
	case config.ShowVersion:
		return p.showVersion()
	case config.ShowCompletion:
		return config.WriteCompletion(p.out, filepath.Base(p.name))
	case config.ShowSchema:
		return config.WriteSchema(p.out)
	case config.ShowReference:
		return config.WriteReference(p.out)
	case config.ShowManual:
		return config.WriteManual(p.out)
	}
	return config.WriteHelp(p.out, filepath.Base(p.name))
}

// make makes certificates. In front of a node, at each of its starts, it keeps those
// that are there.
func (p *program) make(cfg *config.Config, in io.Reader, out io.Writer) error {
	for _, command := range cfg.Commands {
		if cfg.Serves && isThere(command.Product()) {
			continue
		}
		if err := command.Run(certs.Env{Now: time.Now, Random: rand.Reader, In: in, Out: out}); err != nil {
			return err
		}
	}
	return nil
}

func isThere(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func (p *program) showVersion() error {
	text := version
	if text == "" {
		text = "Version unknown"
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}
