package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"receptor/cli/receptorctl/client"
)

// Exit codes. Those of reload follow the code in the node's answer; a signal gives
// 128 and its number.
const (
	exitError  = 1
	exitPing   = 2
	exitSubmit = 101
)

// failure is how a command ends when it did not succeed.
type failure struct {
	text string // after "ERROR: "; empty when everything has been said
	note string // further lines: the reason, or what to do
	code int
	// emptyLine ends the message with one, as the Python client does after the
	// failure of a unit, whose detail may be long.
	emptyLine bool
}

func (f *failure) Error() string { return f.text }

func failed(code int, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

// finish reports the end of the command and returns the exit code.
func (t *tool) finish(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	var stop interrupted
	if errors.As(err, &stop) || (ctx.Err() != nil && errors.As(context.Cause(ctx), &stop)) {
		return t.stopped(stop, err)
	}
	f := explain(err)
	t.failJSON(f)
	if f.text != "" {
		t.fail(f.text)
	}
	if f.note != "" || f.emptyLine {
		t.note(f.note)
	}
	return f.code
}

// stopped reports a command ended by a signal; of what it said only the note counts.
func (t *tool) stopped(stop interrupted, err error) int {
	if stop.sig == syscall.SIGINT {
		t.note("") // the terminal shows ^C without a line end
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{}
	}
	t.failJSON(&failure{text: stop.Error(), note: f.note})
	if f.note != "" {
		t.note(f.note)
	}
	return stop.exitCode()
}

// explain turns an error into the words of this program.
func explain(err error) *failure {
	var (
		done      *failure
		address   *client.AddressError
		missing   *client.NoSocketError
		dial      *client.DialError
		banner    *client.BannerError
		remote    *client.RemoteError
		duplicate *client.DuplicateError
	)
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &address):
		f := failed(exitError, "Invalid socket address %s", address.Text)
		f.note = "Use PATH, unix:PATH, tcp://HOST:PORT or tls://HOST:PORT."
		return f
	case errors.As(err, &missing):
		f := failed(exitError, "Socket path does not exist: %s", missing.Path)
		f.note = "Is the node running, and is this the file name of its control-service?"
		return f
	case errors.As(err, &dial):
		return explainDial(dial)
	case errors.As(err, &banner):
		return explainBanner(banner)
	case errors.As(err, &remote):
		return failed(exitError, "%s", err) // the text, or what a command has put around it
	case errors.As(err, &duplicate):
		return failed(exitSubmit, "Duplicate or illegal parameter %s", duplicate.Key)
	}
	return failed(exitError, "%s", osErrorText(err))
}

func explainDial(e *client.DialError) *failure {
	if e.Addr.Network == "tcp" {
		f := failed(exitError, "Could not connect to host %s port %s", e.Addr.Host, e.Addr.Port)
		f.note = reason(e.Err)
		return f
	}
	f := failed(exitError, "%s", osErrorText(e.Err))
	info, err := os.Stat(e.Addr.Path)
	switch {
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		f.note = e.Addr.Path + " is not a socket: name the file of the node's control-service."
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		f.note = "Nobody listens on " + e.Addr.Path + ": is the node running?"
	case errors.Is(e.Err, fs.ErrPermission):
		f.note = "You may not use " + e.Addr.Path + ": see the permissions of the node's control-service."
	}
	return f
}

func explainBanner(e *client.BannerError) *failure {
	// With TLS 1.3 a server refuses a client only after the handshake.
	if alert := (*net.OpError)(nil); errors.As(e.Err, &alert) && alert.Op == "remote error" {
		f := failed(exitError, "%s", alert)
		f.note = "The server wants another client certificate, or wants one at all: see --cert and --key."
		return f
	}
	f := failed(exitError, "Failed to connect to Receptor socket")
	f.note = reason(e)
	if e.Got == "" && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, syscall.ECONNRESET)) {
		f.note = "It closed the connection at once. Is it the control service of a node? One that has too many clients does so, too: see its log."
	}
	return f
}

// reason is the inner part of an error, without the addresses which the text
// before it has named.
func reason(err error) string {
	text := err.Error()
	if i := strings.Index(text, "dial tcp "); i >= 0 {
		if _, after, found := strings.Cut(text[i:], ": "); found {
			return after
		}
	}
	return text
}

// osErrorText shows an error of the operating system with number and file name, the
// way scripts know it from the Python client; others as they are.
func osErrorText(err error) string {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	words := number.Error()
	text := fmt.Sprintf("[Errno %d] %s%s", int(number), strings.ToUpper(words[:1]), words[1:])
	var file *fs.PathError
	if errors.As(err, &file) {
		text += ": '" + file.Path + "'"
	}
	return text
}
