package main

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

//go:embed completion
var completionScripts embed.FS

var shells = []string{"bash", "zsh", "fish"}

const completionDescription = `Prints a script that teaches the shell to complete commands, options, files, and what
the node knows: nodes, services, work types and unit IDs. Without a node that answers,
it completes what it can.

To have it in this shell:
  source <(receptorctl completion bash)
  source <(receptorctl completion zsh)
  receptorctl completion fish | source

To have it in every shell, print it into the folder where yours looks:
  /usr/share/bash-completion/completions/receptorctl
  /usr/share/zsh/site-functions/_receptorctl
  /usr/share/fish/vendor_completions.d/receptorctl.fish`

func (t *tool) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "Print the completion script for a shell.", ArgsUsage: "SHELL",
		Description: completionDescription,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, "shell")
			if err != nil {
				return err
			}
			if !slices.Contains(shells, args[0]) {
				return misusedIn(c, "No completion for shell '%s': there are %s.", args[0], strings.Join(shells, ", "))
			}
			script, err := completionScripts.ReadFile("completion/receptorctl." + args[0])
			if err != nil {
				return err
			}
			return t.printWhole(string(script))
		},
	}
}

// completionPatience is how long a shell may be held up for what a node knows.
const completionPatience = time.Second

// filesWanted tells the script that the shell knows best.
const filesWanted = ":files"

// completeCommand answers the scripts: a line for each candidate, a tab before what it
// is. Whoever presses the tab key wants no errors.
func (t *tool) completeCommand() *cli.Command {
	return &cli.Command{
		Name: "__complete", Hidden: true, ArgsUsage: "SHELL WORDS...",
		Action: func(c *cli.Context) error {
			if c.Args().Len() == 0 {
				return nil
			}
			ctx, stop := context.WithTimeout(c.Context, completionPatience)
			defer stop()
			lines := t.complete(ctx, c.App, c.Args().First(), c.Args().Tail())
			return t.printWhole(linesOf(lines))
		},
	}
}

func (t *tool) complete(ctx context.Context, app *cli.App, shell string, words []string) []string {
	if shell == "bash" {
		words = rejoin(words)
	}
	y := readTyping(app, words)
	list, kind := y.candidates()
	switch kind {
	case "FILE", "DIR", "ADDRESS":
		return []string{filesWanted}
	case "":
	default:
		t.settings = settingsOf(y.globalValue)
		t.checked = true // no warnings
		list = append(list, t.known(ctx, &y, kind)...)
	}
	var lines []string
	for _, c := range y.narrow(list, shell) {
		lines = append(lines, c.value+"\t"+c.what)
	}
	return lines
}
