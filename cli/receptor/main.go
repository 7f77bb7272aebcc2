package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/actors/work"
	"receptor/cli/receptor/certs"
	"receptor/cli/receptor/config"
)

// version is set by the build: -ldflags "-X main.version=...".
var version string

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--command-runner" {
		os.Exit(work.RunCommand(os.Args[2:]))
	}
	os.Exit(run(os.Args, os.Stdin, os.Stdout))
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
	if !errors.Is(err, errTold) {
		fmt.Fprintf(out, "Error: %v\n", err)
	}
	return 1
}

// program is one run of the command line.
type program struct {
	name string // argv[0]
	in   io.Reader
	out  io.Writer
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
	cfg, err := config.Parse(args, config.Env{ReadFile: os.ReadFile, Hostname: os.Hostname, TempDir: os.TempDir})
	if err != nil {
		return err
	}
	switch {
	case cfg.Show == config.ShowHelp:
		return config.WriteHelp(p.out, filepath.Base(p.name))
	case cfg.Show == config.ShowVersion:
		return p.showVersion()
	case cfg.Command != nil:
		return cfg.Command.Run(certs.Env{Now: time.Now, Random: rand.Reader, In: p.in, Out: p.out})
	default:
		return p.serve(cfg)
	}
}

func (p *program) showVersion() error {
	text := version
	if text == "" {
		text = "Version unknown"
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}
