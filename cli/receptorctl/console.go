package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"receptor/actors/supervise/cut"
)

const (
	red     = mark + "[31m"
	green   = mark + "[32m"
	yellow  = mark + "[33m"
	magenta = mark + "[35m"
	plain   = mark + "[0m"
)

// console is where a command reads and prints.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// print writes text for people, in which long names are cut.
func (c console) print(text string) error { return c.printWhole(cut.Text(text)) }

// printWhole writes to standard output what programs read, or nobody far away has
// chosen. A reader that has gone away ends the program by SIGPIPE; any other error is
// the command's.
func (c console) printWhole(text string) error {
	if _, err := io.WriteString(screen{c.out}, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// warn and fail write to standard error, where nothing better can be done about an
// error than to go on.
func (c console) warn(text string) { c.coloured(magenta, "Warning: "+text) }
func (c console) fail(text string) { c.coloured(red, "ERROR: "+text) }
func (c console) note(text string) { _, _ = fmt.Fprintln(screen{c.err}, cut.Text(text)) }

func (c console) coloured(colour, text string) {
	_, _ = fmt.Fprintln(screen{c.err}, paint(c.err, colour, cut.Text(text)))
}

// paint colours text for a stream. Only terminals show colours, and not all people
// want them: see no-color.org.
func paint(stream io.Writer, colour, text string) string {
	if colour == "" || !isTerminal(stream) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return colour + text + plain
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
