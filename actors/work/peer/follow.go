package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"receptor/actors/work/unit"
)

// Status is the part of a status reply that is copied.
type Status struct {
	State      unit.State
	Detail     string
	StdoutSize int64
}

func parseStatus(line string) (Status, error) {
	var s Status
	if err := refusal(line); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		return s, fmt.Errorf("malformed status %.80q: %w", line, err)
	}
	if s.State < unit.Pending || s.State > unit.Canceled || s.StdoutSize < 0 {
		return s, fmt.Errorf("impossible status %.80q", line)
	}
	return s, nil
}

// Status asks for the status of a unit once.
func (s *Session) Status(id string) (Status, error) {
	if err := s.write([]byte("work status " + id + "\n")); err != nil {
		return Status{}, err
	}
	line, err := s.reply(replyWait)
	if err != nil {
		return Status{}, err
	}
	return parseStatus(line)
}

// Follow calls each with every status of the unit until it is final. Peers of
// ours push changes; others are asked every pollEvery, on the same stream.
func (s *Session) Follow(id string, pollEvery time.Duration, each func(Status) error) error {
	if err := s.write([]byte("work watch " + id + "\n")); err != nil {
		return err
	}
	for limit := replyWait; ; limit = 0 {
		line, err := s.reply(limit)
		if err != nil {
			return err
		}
		status, err := parseStatus(line)
		if errors.Is(err, ErrNotSupported) && limit != 0 {
			return s.poll(id, pollEvery, each)
		}
		if err != nil {
			return err
		}
		if err := each(status); err != nil || status.State.Final() {
			return err
		}
	}
}

func (s *Session) poll(id string, every time.Duration, each func(Status) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		status, err := s.Status(id)
		if err != nil {
			return err
		}
		if err := each(status); err != nil || status.State.Final() {
			return err
		}
		select {
		case <-tick.C:
		case <-s.done:
			return context.Canceled
		}
	}
}

// Results copies the output from an offset on, until the peer ends the stream.
func (s *Session) Results(id string, offset int64, w io.Writer) error {
	err := s.command(map[string]any{"subcommand": "results", "unitid": id, "startpos": offset})
	if err != nil {
		return err
	}
	line, err := s.reply(replyWait)
	if err != nil {
		return err
	}
	if err := refusal(line); err != nil {
		return err
	}
	if !strings.Contains(line, "Streaming results") {
		return &RefusedError{Text: "could not parse response: " + line}
	}
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	// Left before its end the stream is aborted: the peer need not try to write to
	// find out.
	s.unfinished.Store(true)
	err = copyGrowing(w, s.in)
	s.unfinished.Store(err != nil)
	return err
}

// Cancel and Release end a unit on the peer. That it is unknown is ErrUnknownUnit.
func (s *Session) Cancel(id string) error  { return s.end("cancel", id) }
func (s *Session) Release(id string) error { return s.end("release", id) }

func (s *Session) end(subcommand, id string) error {
	if err := s.command(map[string]any{"subcommand": subcommand, "unitid": id}); err != nil {
		return err
	}
	line, err := s.reply(replyWait)
	if err != nil {
		return err
	}
	return refusal(line)
}
