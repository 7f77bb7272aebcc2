package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// Session is one connection to a control service.
type Session struct {
	net.Conn
	In     *bufio.Reader
	Banner string
}

const errorPrefix = "ERROR: "

// RefusedError is an ERROR line.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return "refused: " + e.Text }

// Dial connects to a control socket and reads the banner. The deadline of the
// context holds for the whole session.
func Dial(ctx context.Context, socket string) (*Session, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	s := &Session{Conn: conn, In: bufio.NewReader(conn)}
	if s.Banner, err = s.ReadLine(); err != nil {
		return nil, errors.Join(fmt.Errorf("read the banner: %w", err), conn.Close())
	}
	return s, nil
}

// ReadLine reads one line. An ERROR line is a *RefusedError.
func (s *Session) ReadLine() (string, error) {
	line, err := s.In.ReadString('\n')
	if err != nil {
		return line, err
	}
	line = strings.TrimSuffix(line, "\n")
	if text, refused := strings.CutPrefix(line, errorPrefix); refused {
		return "", &RefusedError{text}
	}
	return line, nil
}

// Ask sends one line and reads one.
func (s *Session) Ask(line string) (string, error) {
	if _, err := io.WriteString(s, line+"\n"); err != nil {
		return "", err
	}
	return s.ReadLine()
}

// CloseWrite ends the input; output still comes.
func (s *Session) CloseWrite() error { return s.Conn.(*net.UnixConn).CloseWrite() }

// Connect asks for a stream to a service of the mesh. On success what follows is
// the stream.
func (n *Node) Connect(ctx context.Context, node, service, tlsClient string) (*Session, error) {
	s, err := Dial(ctx, n.Socket)
	if err != nil {
		return nil, fmt.Errorf("connect %s %s: %w", node, service, err)
	}
	answer, err := s.Ask(strings.TrimSpace("connect " + node + " " + service + " " + tlsClient))
	if err == nil && answer != "Connecting" {
		err = fmt.Errorf("unexpected answer %q", answer)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect %s %s from %s: %w", node, service, n.ID, err), s.Close())
	}
	return s, nil
}

// Ask opens a session for one line and one answer.
func (n *Node) Ask(ctx context.Context, line string) (string, error) {
	s, err := Dial(ctx, n.Socket)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", n.ID, err)
	}
	defer s.Close()
	answer, err := s.Ask(line)
	if err != nil {
		return "", fmt.Errorf("ask %s %q: %w", n.ID, line, err)
	}
	return answer, nil
}

// AskJSON asks and decodes the answer.
func (n *Node) AskJSON(ctx context.Context, line string, into any) error {
	answer, err := n.Ask(ctx, line)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		return fmt.Errorf("ask %s %q: %w in %q", n.ID, line, err, answer)
	}
	return nil
}

// Status is the part of `status` that tests look at.
type Status struct {
	NodeID, Version string
	RoutingTable    map[string]string
	Connections     []struct {
		NodeID string
		Cost   float64
	}
	Advertisements []struct {
		NodeID, Service string
		ConnType        int
		Tags            map[string]string
		WorkCommands    []struct {
			WorkType string
			Secure   bool
		}
	}
}

// Status asks for the node's view of the mesh.
func (n *Node) Status(ctx context.Context) (Status, error) {
	var s Status
	err := n.AskJSON(ctx, "status", &s)
	return s, err
}

// Connected reports whether a neighbour is connected.
func (s Status) Connected(node string) bool {
	for _, c := range s.Connections {
		if c.NodeID == node {
			return true
		}
	}
	return false
}

// Advertises reports whether the control service of a node is known.
func (s Status) Advertises(node string) bool {
	for _, a := range s.Advertisements {
		if a.NodeID == node && a.Service == "control" {
			return true
		}
	}
	return false
}

// Sees waits until the node has a route to all others.
func (n *Node) Sees(ctx context.Context, others ...string) error {
	return Until(ctx, fmt.Sprintf("routes from %s to %v", n.ID, others), func() error {
		s, err := n.Status(ctx)
		if err != nil {
			return err
		}
		for _, other := range others {
			if s.RoutingTable[other] == "" {
				return fmt.Errorf("no route to %s in %v", other, s.RoutingTable)
			}
		}
		return nil
	})
}

// Misses waits until the node has no route to another.
func (n *Node) Misses(ctx context.Context, other string) error {
	return Until(ctx, fmt.Sprintf("%s to have no route to %s", n.ID, other), func() error {
		s, err := n.Status(ctx)
		if err != nil {
			return err
		}
		if hop := s.RoutingTable[other]; hop != "" {
			return fmt.Errorf("it goes by %s", hop)
		}
		return nil
	})
}
