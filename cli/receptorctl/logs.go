package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

const logsDescription = `Copies what the unit wrote to standard output and to standard error, each to its own
stream. Standard error comes from the node where the work is done, if that keeps it
apart: nodes of other makes put it into the output.

Without --follow it shows what is there by now. With --follow it goes on until the
unit has ended, and exits like work results; Ctrl-C detaches, the unit keeps running.

With --json each piece is a line of its own, and the last line is the status:
  {"stream":"stderr","offset":0,"base64":"b29wcwo="}
  {"unitid":"pfUFAqUT","status":{"State":3,"StateName":"Failed"}}`

func (t *tool) logsCommand() *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "Show what a unit of work has written.", ArgsUsage: "UNIT_ID", Description: logsDescription,
		Flags: []cli.Flag{
			toggle("follow", "f", "go on until the unit has ended"),
			toggle("stdout", "", "only what it wrote to standard output"),
			toggle("stderr", "", "only what it wrote to standard error"),
			&cli.StringFlag{Name: "node", Usage: "`NODE` that has the unit (default: the node we are connected to)"},
			nodeTLSFlag(),
			jsonFlag("print each piece as one line of JSON, with its bytes in base64"),
		},
		Action: func(c *cli.Context) error { return t.at(c.String("node"), c.String("tls-client")).logs(c) },
	}
}

func (t *tool) logs(c *cli.Context) error {
	args, err := arguments(c, "unit_id")
	if err != nil {
		return err
	}
	reply, err := t.ask(c.Context, "work", "status", args[0])
	if err != nil {
		return err
	}
	u, err := readUnit(reply)
	if err != nil {
		return err
	}
	both := c.Bool("stdout") == c.Bool("stderr")
	l := &logReader{tool: t, unit: args[0], stdout: t.out, stderr: t.err}
	l.wantsOut, l.wantsErr, l.only = both || c.Bool("stdout"), both || c.Bool("stderr"), !both
	if c.Bool("json") {
		var turns sync.Mutex
		l.stdout = &jsonPieces{turns: &turns, out: t.out, stream: "stdout"}
		l.stderr = &jsonPieces{turns: &turns, out: t.out, stream: "stderr"}
	}
	if c.Bool("follow") {
		u, err = l.follow(c.Context)
	} else {
		err = l.present(c.Context, u)
	}
	if err != nil {
		return l.detached(c.Context, err)
	}
	if c.Bool("json") {
		if err := l.printStatus(u); err != nil {
			return err
		}
	}
	if c.Bool("follow") {
		return outcome(u)
	}
	return nil
}

// logReader copies both streams of a unit.
type logReader struct {
	*tool
	unit               string
	stdout, stderr     io.Writer
	wantsOut, wantsErr bool
	only               bool // one of them was asked for, and must be there
}

// present copies what there is.
func (l *logReader) present(ctx context.Context, u unitStatus) error {
	if l.wantsOut && u.StdoutSize > 0 {
		s, err := l.open(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Results(l.unit, 0); err != nil {
			return resultsRefused(err)
		}
		// More may follow, and would be waited for.
		if _, err := copyFlat(l.stdout, io.LimitReader(s, u.StdoutSize)); err != nil {
			return err
		}
	}
	if !l.wantsErr {
		return nil
	}
	e := &errorsFollower{tool: l.tool, unit: l.unit, out: l.stderr}
	return l.missing(e.once(ctx, false))
}

// follow copies both to the end of the unit, and returns its final status.
func (l *logReader) follow(ctx context.Context) (unitStatus, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, 1)
	go func() {
		var err error
		if l.wantsErr {
			e := &errorsFollower{tool: l.tool, unit: l.unit, out: l.stderr}
			err = l.missing(e.run(ctx))
		}
		if err != nil {
			stop(err)
		}
		ended <- err
	}()
	f := &follower{tool: l.tool, unit: l.unit, out: l.stdout}
	if !l.wantsOut {
		f.out = io.Discard
	}
	u, err := f.run(ctx)
	if err != nil {
		stop(err)
		err = context.Cause(ctx) // what ended the other one first, if it did
	}
	// The first of the two to fail says why; the other one was only stopped.
	if other := <-ended; err == nil || errors.Is(context.Cause(ctx), other) {
		err = other
	}
	return u, err
}

// missing makes it a warning that standard error can't be had, if there is more to
// show.
func (l *logReader) missing(err error) error {
	var refused *client.RemoteError
	if !errors.As(err, &refused) {
		return err
	}
	text := refused.Text
	if text == "bad command" {
		text = "this node does not keep standard error apart: its version puts it into the output"
	}
	if l.only {
		f := failed(exitError, "Failed to get standard error: %s", text)
		f.note = "See " + strings.Join(slices.Concat([]string{"receptorctl work logs --stdout"}, l.far.words(), []string{l.unit}), " ") + "."
		return f
	}
	l.warn("no standard error: " + text)
	return nil
}

// detached says how to come back, if the unit is not over.
func (l *logReader) detached(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	f := explain(err)
	return &failure{
		text: f.text, code: f.code,
		note: "Detached from unit " + l.unit + ", which goes on. To see it again:\n  " + l.settings.command(slices.Concat([]string{"work", "logs", "--follow"}, l.far.words(), []string{l.unit})...),
	}
}

func (l *logReader) printStatus(u unitStatus) error {
	line, err := json.Marshal(struct {
		Unit   string     `json:"unitid"`
		Status unitStatus `json:"status"`
	}{l.unit, u})
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	l.answered()
	return l.printWhole(string(line) + "\n")
}

// jsonPieces writes each piece as a line.
type jsonPieces struct {
	turns  *sync.Mutex // of the streams which share out
	out    io.Writer
	stream string
	at     int64
}

func (p *jsonPieces) Write(piece []byte) (int, error) {
	line, err := json.Marshal(struct {
		Stream string `json:"stream"`
		Offset int64  `json:"offset"`
		Bytes  []byte `json:"base64"`
	}{p.stream, p.at, piece})
	if err != nil {
		return 0, fmt.Errorf("encode JSON: %w", err)
	}
	p.turns.Lock()
	defer p.turns.Unlock()
	if _, err := p.out.Write(append(line, '\n')); err != nil {
		return 0, err
	}
	p.at += int64(len(piece))
	return len(piece), nil
}

// errorsFollower copies the standard error of a unit, over several connections if
// need be.
type errorsFollower struct {
	*tool
	unit     string
	at       int64
	out      io.Writer
	attached bool
}

// run copies to the end of the unit. What breaks off is asked for again.
func (e *errorsFollower) run(ctx context.Context) error {
	for idle := 0; ; idle++ {
		before := e.at
		err := e.once(ctx, true)
		var refused *client.RemoteError
		var writing *outputError
		if err == nil || !e.attached || ctx.Err() != nil || errors.As(err, &refused) || errors.As(err, &writing) {
			return err
		}
		if e.at > before {
			idle = 0
		}
		if idle == resumeLimit {
			return err
		}
		if err := wait(ctx, e.pause); err != nil {
			return err
		}
	}
}

func (e *errorsFollower) once(ctx context.Context, follow bool) error {
	s, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Errors(e.unit, e.at, follow); err != nil {
		return err
	}
	e.attached = true
	_, err = copyFlat(e, s)
	return err
}

// Write counts what has been printed.
func (e *errorsFollower) Write(p []byte) (int, error) {
	n, err := e.out.Write(p)
	e.at += int64(n)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}
