package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

const resultsDescription = `Copies the output of the unit to standard output and follows it until the unit has
ended. Exit code 1 if the unit failed. A stream that breaks off is resumed where it
stopped. Ctrl-C detaches; the unit keeps running, and what to enter to go on is shown.`

func (t *tool) resultsCommand() *cli.Command {
	return &cli.Command{
		Name: "results", Usage: "Get results for a previously or currently running unit of work.",
		ArgsUsage: "UNIT_ID", Description: resultsDescription,
		Flags: []cli.Flag{
			&cli.Int64Flag{Name: "startpos", Usage: "begin after `BYTES` of output"},
			jsonFlag("print one JSON object with the output as base64, and the final status"),
		},
		Action: t.results,
	}
}

func (t *tool) results(c *cli.Context) error {
	args, err := arguments(c, "unit_id")
	if err != nil {
		return err
	}
	at := c.Int64("startpos")
	if at < 0 {
		return failed(exitError, "The start position can't be negative.")
	}
	return t.follow(c.Context, args[0], at, c.Bool("json"))
}

// follow prints the results of a unit from an offset on; its failure is ours.
func (t *tool) follow(ctx context.Context, unit string, at int64, asJSON bool) error {
	f := &follower{tool: t, unit: unit, at: at, out: t.out}
	if !isTerminal(t.out) && isTerminal(t.err) {
		f.progress = t.progress("results", f.remaining(ctx))
		defer f.progress.close()
	}
	if asJSON {
		return f.document(ctx)
	}
	final, err := f.run(ctx)
	if err != nil {
		return f.detached(ctx, err)
	}
	return outcome(final)
}

// outcome is the unit's success or failure, as an error of this program.
func outcome(u unitStatus) error {
	switch u.State {
	case stateFailed:
		return &failure{code: exitError, text: "Remote unit failed: " + u.Detail, emptyLine: true}
	case stateCanceled:
		return failed(exitError, "Remote unit was canceled: %s", u.Detail)
	}
	return nil
}

const (
	// A stream that ends before the output does, also because the node went away, is
	// asked for again after a pause; so many times in a row without a byte.
	resumePause = 500 * time.Millisecond
	resumeLimit = 10
)

// follower copies the output of a unit, over several connections if need be.
type follower struct {
	*tool
	unit     string
	at       int64 // bytes of output before the next one
	out      io.Writer
	attached bool // the node has begun to stream
	progress *progress
}

// remaining is how much there will be, if that is known by now.
func (f *follower) remaining(ctx context.Context) int64 {
	reply, err := f.ask(ctx, "work", "status", f.unit)
	if err != nil {
		return 0 // whoever follows will see it too
	}
	u, err := readUnit(reply)
	if err != nil || !u.final() {
		return 0
	}
	return max(0, u.StdoutSize-f.at)
}

// run copies to the end and returns the final status.
func (f *follower) run(ctx context.Context) (unitStatus, error) {
	for idle := 0; ; idle++ {
		before := f.at
		u, err := f.once(ctx)
		switch {
		case err != nil && !f.resumable(ctx, err):
			return u, err
		case err == nil && (u.State == stateCanceled || u.final() && f.at >= u.StdoutSize):
			return u, nil
		case f.at > before:
			idle = 0
		case idle == resumeLimit && err != nil:
			return u, err
		case idle == resumeLimit:
			return f.short(u)
		}
		if err := wait(ctx, f.pause); err != nil {
			return u, err
		}
	}
}

// resumable tells a lost connection from an answer.
func (f *follower) resumable(ctx context.Context, err error) bool {
	var refused *client.RemoteError
	var writing *outputError
	return f.attached && ctx.Err() == nil && !errors.As(err, &refused) && !errors.As(err, &writing)
}

// short is an output that is not there to its end; the unit's own failure says more.
func (f *follower) short(u unitStatus) (unitStatus, error) {
	if u.State == stateFailed {
		return u, nil
	}
	return u, failed(exitError, "Results of unit %s end at byte %d of %d", f.unit, f.at, u.StdoutSize)
}

// once copies what one connection gives, and asks what became of the unit.
func (f *follower) once(ctx context.Context) (unitStatus, error) {
	if err := f.stream(ctx); err != nil {
		return unitStatus{}, err
	}
	reply, err := f.ask(ctx, "work", "status", f.unit)
	if err != nil {
		return unitStatus{}, err
	}
	return readUnit(reply)
}

func (f *follower) stream(ctx context.Context) error {
	s, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Results(f.unit, f.at); err != nil {
		return resultsRefused(err)
	}
	f.attached = true
	_, err = copyFlat(f, s)
	return err
}

// Write counts what has been printed.
func (f *follower) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.at += int64(n)
	f.progress.add(n)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

func resultsRefused(err error) error {
	if remote := (*client.RemoteError)(nil); errors.As(err, &remote) {
		return &resultsError{err}
	}
	return err
}

// resultsError is the node's refusal to stream.
type resultsError struct{ err error }

func (e *resultsError) Error() string { return "Failed to get results: " + e.err.Error() }
func (e *resultsError) Unwrap() error { return e.err }

// outputError is a failure on our side, which no other connection mends.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// detached adds to the reason why following ended how to go on.
func (f *follower) detached(ctx context.Context, err error) error {
	said := explain(err)
	var refused *client.RemoteError
	var final *failure
	if errors.As(err, &refused) || errors.As(err, &final) || (ctx.Err() == nil && !f.attached) {
		return said
	}
	note := "Detached from unit " + f.unit + ", which goes on. For the rest of its results:\n  " + f.command()
	if ctx.Err() == nil {
		note = strings.TrimPrefix(said.note+"\n", "\n") + "For the rest of the results of unit " + f.unit + ":\n  " + f.command()
	}
	return &failure{text: said.text, code: said.code, note: note}
}

// command is what to enter to follow the rest.
func (f *follower) command() string {
	words := []string{"work", "results", f.unit}
	if f.at > 0 {
		words = append(words, "--startpos", strconv.FormatInt(f.at, 10))
	}
	return f.settings.command(words...)
}

// document prints the results as one JSON object, without ever holding them. Its
// members come in order: base64, error, note, startpos, status, unitid.
func (f *follower) document(ctx context.Context) error {
	first := f.at
	if err := f.printWhole("{\n    \"base64\": \""); err != nil {
		return err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, f.tool.out)
	f.out = encoder
	final, err := f.run(ctx)
	if closeErr := encoder.Close(); closeErr != nil {
		return fmt.Errorf("write output: %w", closeErr)
	}
	tail := struct {
		Error    string      `json:"error,omitempty"`
		Note     string      `json:"note,omitempty"`
		StartPos int64       `json:"startpos"`
		Status   *unitStatus `json:"status"`
		Unit     string      `json:"unitid"`
	}{StartPos: first, Unit: f.unit}
	if err != nil {
		tail.Error = explain(err).text
		err = f.detached(ctx, err)
		tail.Note = explain(err).note
	} else {
		tail.Status, err = &final, outcome(final)
	}
	encoded, jsonErr := json.Marshal(tail)
	if jsonErr != nil {
		return fmt.Errorf("encode JSON: %w", jsonErr)
	}
	text, jsonErr := indent(encoded)
	if jsonErr != nil {
		return jsonErr
	}
	f.answered()
	return errors.Join(f.printWhole("\","+text[1:]), err)
}
