package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Work is what to submit.
type Work struct {
	Node, Type, Params string
	Payload            io.Reader // nil: none
	TTL                string    // until it must have started
	Sign               bool      // what is asked of the other node
}

// Unit is the answer to `work status`.
type Unit struct {
	State      int
	StateName  string
	Detail     string
	StdoutSize int64
	WorkType   string
	ExtraData  json.RawMessage
}

// States of a unit.
const (
	Pending = iota
	Running
	Succeeded
	Failed
	Canceled
)

var created = regexp.MustCompile(`^Work unit created with ID ([a-zA-Z0-9]+)\. Send stdin data and EOF\.$`)

// Submit submits work and returns the unit's ID and the result line's text. An
// ID comes with an error when the unit exists and did not start.
func (n *Node) Submit(ctx context.Context, w Work) (unit, result string, err error) {
	s, err := Dial(ctx, n.Socket)
	if err != nil {
		return "", "", fmt.Errorf("submit to %s: %w", n.ID, err)
	}
	defer s.Close()
	request := map[string]string{"command": "work", "subcommand": "submit", "node": w.Node, "worktype": w.Type}
	if w.Params != "" {
		request["params"] = w.Params
	}
	if w.TTL != "" {
		request["ttl"] = w.TTL
	}
	if w.Sign {
		request["signwork"] = "true"
	}
	line, err := json.Marshal(request)
	if err != nil {
		return "", "", err
	}
	answer, err := s.Ask(string(line))
	if err != nil {
		return "", "", fmt.Errorf("submit to %s: %w", n.ID, err)
	}
	match := created.FindStringSubmatch(answer)
	if match == nil {
		return "", "", fmt.Errorf("submit to %s: unexpected answer %q", n.ID, answer)
	}
	result, err = s.payload(w.Payload)
	if err != nil {
		err = fmt.Errorf("submit to %s: unit %s: %w", n.ID, match[1], err)
	}
	return match[1], result, err
}

// payload sends the input and reads what became of the unit.
func (s *Session) payload(input io.Reader) (string, error) {
	if input != nil {
		if _, err := io.Copy(s, input); err != nil {
			return "", fmt.Errorf("send the payload: %w", err)
		}
	}
	if err := s.CloseWrite(); err != nil {
		return "", err
	}
	line, err := s.ReadLine()
	if err != nil {
		return "", err
	}
	var answer struct{ Result string }
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return "", fmt.Errorf("%w in %q", err, line)
	}
	return answer.Result, nil
}

// Unit asks for the status of a unit.
func (n *Node) Unit(ctx context.Context, unit string) (Unit, error) {
	var u Unit
	err := n.AskJSON(ctx, "work status "+unit, &u)
	return u, err
}

// Finished waits until a unit is in a final state.
func (n *Node) Finished(ctx context.Context, unit string) (Unit, error) {
	var u Unit
	err := Until(ctx, "unit "+unit+" on "+n.ID+" to finish", func() error {
		var err error
		if u, err = n.Unit(ctx, unit); err != nil {
			return err
		}
		if u.State < Succeeded {
			return fmt.Errorf("%s, %s, %d bytes", u.StateName, u.Detail, u.StdoutSize)
		}
		return nil
	})
	return u, err
}

// Results copies the output of a unit from an offset until the stream ends.
func (n *Node) Results(ctx context.Context, unit string, offset int64, w io.Writer) (int64, error) {
	s, err := Dial(ctx, n.Socket)
	if err != nil {
		return 0, fmt.Errorf("results from %s: %w", n.ID, err)
	}
	defer s.Close()
	head, err := s.Ask(fmt.Sprintf("work results %s %d", unit, offset))
	if err != nil {
		return 0, fmt.Errorf("results from %s: %w", n.ID, err)
	}
	if head != "Streaming results for work unit "+unit {
		return 0, fmt.Errorf("results from %s: unexpected answer %q", n.ID, head)
	}
	if err := s.CloseWrite(); err != nil {
		return 0, err
	}
	copied, err := io.Copy(w, s.In)
	if err != nil {
		return copied, fmt.Errorf("results from %s: %w", n.ID, err)
	}
	return copied, nil
}

// Output is how much output of a unit this node has.
func (n *Node) Output(unit string) (int64, error) {
	info, err := os.Stat(filepath.Join(n.DataDir, n.ID, unit, "stdout"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// ErrText is the text of an ERROR line, or empty.
func ErrText(err error) string {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Text
	}
	return ""
}
