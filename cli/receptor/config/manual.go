package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteManual writes the manual page receptor(1), in roff.
func WriteManual(w io.Writer) error {
	var b strings.Builder
	b.WriteString(manualHead)
	for s, title := range titles {
		if title != "" {
			fmt.Fprintf(&b, ".SS %s\n", title)
		}
		for i := range table {
			if a := &table[i]; a.section == section(s) && a.is&hidden == 0 {
				a.manual(&b)
			}
		}
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, v := range slices.Concat(variables, otherVariables) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(v.name), roff(plain(v.about)))
	}
	b.WriteString(manualTail)
	_, err := io.WriteString(w, b.String())
	return err
}

const manualHead = `.TH RECEPTOR 1
.SH NAME
receptor \- run a node of a receptor mesh
.SH SYNOPSIS
.B receptor
.RI [ \-\-ACTION
.RI [ PARAMETER = VALUE ]...]...
.br
.B receptor \-\-config
.I FILE
.br
.B receptor \-\-check \-\-config
.I FILE
.SH DESCRIPTION
.B receptor
runs one node of an overlay mesh that carries work to a large, dispersed set of workers.
What the node is and does is said by actions with parameters, on the command line, in files, or both.
Names are read in any case, and one dash does as well as two.
The log goes to standard output, and so do errors of the start.
.PP
A file is YAML or JSON: a list of actions, each a name or a map of one name to its parameters,
or a map of sections, in which an action that may be there more than once has its name in the plural.
.SH OPTIONS
.TP
.BR \-\-help ", " \-h
Show all actions and parameters.
.TP
.BR \-\-config ", " \-c " \fIFILE\fR"
Load actions from a file, as if they stood at this place.
.TP
.B \-\-check
Say whether the rest of the command line would start, and what; start nothing.
The exit status is 0 if it would, else 1.
.TP
.B \-\-schema
Show a JSON schema of files, for editors.
.TP
.B \-\-bash\-completion
Show a script that completes the command line in bash.
.TP
.B \-\-config\-v2
Without effect but for
.IR $HOME/receptor.yaml ,
which is read if no file is named; for existing start scripts.
.SH ACTIONS
`

const manualTail = `.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
Stop in order. A second one ends the process at once.
.SH EXIT STATUS
.TP
.B 0
Help, version, a certificate, a good check, or a stop by a signal.
.TP
.B 1
An error.
.SH EXAMPLES
.EX
receptor \-\-node id=foo \-\-local\-only \-\-log\-level Debug
receptor \-\-node id=bar \-\-tcp\-peer foo.example.org:2222 \-\-control\-service filename=/tmp/bar.sock
receptor \-\-check \-\-config /etc/receptor/receptor.conf
.EE
.SH SEE ALSO
.BR receptorctl (1)
`

func (a *action) manual(b *strings.Builder) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s%s\n", roff("--"+a.name), roff(a.about), roff(plain(a.usage())))
	if len(a.params) == 0 {
		return
	}
	b.WriteString(".RS\n")
	defaults := a.fresh()
	for i := range a.params {
		p := &a.params[i]
		at := p.at(defaults)
		fmt.Fprintf(b, ".TP\n.BI %s= \"%s\"\n%s\n", p.name, roff(kind(at)), roff(p.about+p.notes(shown(at))))
	}
	b.WriteString(".RE\n")
}

// plain is Markdown without its marks.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }

// roff is text that means nothing else to the typesetter.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
