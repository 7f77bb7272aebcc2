// Package peer speaks to the control service of another node the way a daemon
// does: it submits, follows, fetches, cancels and releases units there. It blocks,
// and belongs in the goroutines of a monitor.
package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"receptor/transport"
	"receptor/transport/bridge"
)

const (
	// service is the fixed name of the control service of a node.
	service    = "control"
	dialWait   = 15 * time.Second
	bannerWait = 5 * time.Second
	replyWait  = 60 * time.Second
	// stallWait is how long the far side may take no byte of a payload.
	stallWait = 60 * time.Second
	// maxLine bounds what a peer may make us keep; status lines carry parameters.
	maxLine = 32 << 20
)

var (
	// ErrUnknownUnit is a unit that the peer does not have.
	ErrUnknownUnit = errors.New("unknown work unit")
	// ErrNotSupported is a command that the peer does not know.
	ErrNotSupported = errors.New("command not supported by the peer")
)

// RefusedError is the peer's no.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// Session is one stream to a control service.
type Session struct {
	// Sign makes the token that goes with each command; nil for none.
	Sign func() (string, error)

	conn transport.StreamConn
	in   *bufio.Reader
	node string
	done <-chan struct{} // of the context it lives in
	stop func() bool
	once sync.Once
	// unfinished: the peer has a part of a payload, and must not take it for all,
	// or writes results that nobody wants any more.
	unfinished atomic.Bool
}

// Connect opens a session. It ends when ctx does.
func Connect(ctx context.Context, dial transport.DialStream, node, tlsName string) (*Session, error) {
	return open(ctx, dial, node, tlsName, nil)
}

// open says first before it reads the banner.
func open(ctx context.Context, dial transport.DialStream, node, tlsName string, first []byte) (*Session, error) {
	dialCtx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	conn, err := dial(dialCtx, node, service, tlsName)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, in: bufio.NewReaderSize(conn, 4<<10), node: node, done: ctx.Done()}
	s.stop = context.AfterFunc(ctx, s.hangUp)
	if first != nil {
		err = s.write(first)
	}
	if err == nil {
		err = s.banner()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the session in an orderly way.
func (s *Session) Close() {
	s.once.Do(func() {
		s.stop()
		s.hangUp()
	})
}

// hangUp ends the stream, in an orderly way if that can't be misunderstood.
func (s *Session) hangUp() {
	if s.unfinished.Load() {
		bridge.Abort(s.conn)
		return
	}
	s.conn.Close()
}

func (s *Session) banner() error {
	line, err := s.readLine(bannerWait)
	if err != nil {
		return fmt.Errorf("read banner of %s: %w", s.node, err)
	}
	if line != "Receptor Control, node "+s.node {
		return fmt.Errorf("while expecting node ID %s, got message: %s", s.node, line)
	}
	return nil
}

// readLine returns the next line without its end; limit 0 waits for ever.
func (s *Session) readLine(limit time.Duration) (string, error) {
	if err := s.conn.SetReadDeadline(deadline(limit)); err != nil {
		return "", err
	}
	var line []byte
	for {
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return strings.TrimRight(string(line), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", noEOF(err)
		case len(line) > maxLine:
			return "", fmt.Errorf("line of %s is longer than %d bytes", s.node, maxLine)
		}
	}
}

func (s *Session) write(p []byte) error {
	if err := s.conn.SetWriteDeadline(deadline(stallWait)); err != nil {
		return err
	}
	_, err := s.conn.Write(p)
	return err
}

func deadline(limit time.Duration) time.Time {
	if limit == 0 {
		return time.Time{}
	}
	return time.Now().Add(limit)
}

// noEOF makes the end of a stream an error where a line was due.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// command writes a JSON command. That it can't be signed is final.
func (s *Session) command(members map[string]any) error {
	members["command"] = "work"
	if s.Sign != nil {
		token, err := s.Sign()
		if err != nil {
			return &RefusedError{Text: err.Error()}
		}
		members["signature"] = token
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if err := s.write(append(text, '\n')); err != nil {
		return fmt.Errorf("write error sending to %s: %w", s.node, err)
	}
	return nil
}

func (s *Session) reply(limit time.Duration) (string, error) {
	line, err := s.readLine(limit)
	if err != nil {
		return "", fmt.Errorf("read error reading from %s: %w", s.node, err)
	}
	return line, nil
}

// refusal is the error a reply line carries, nil if it carries none.
func refusal(line string) error {
	text, ok := strings.CutPrefix(line, "ERROR: ")
	switch {
	case !ok && !strings.HasPrefix(line, "ERROR"):
		return nil
	case strings.Contains(text, ErrUnknownUnit.Error()):
		return ErrUnknownUnit
	case text == "bad command":
		return ErrNotSupported
	default:
		return &RefusedError{Text: text}
	}
}

// Submission is what Submit brings to the peer.
type Submission struct {
	WorkType  string
	TLSClient string
	Params    map[string]string
	Payload   io.Reader
	// Key names the request, for peers that take one; empty for none. A unit that
	// has its payload from an earlier attempt is created and submitted already.
	Key string
	// Created is told the ID of the remote unit, and must return before the
	// payload is ended: from then on the unit may run.
	Created func(id string) error
}

var exists = regexp.MustCompile(`^Work unit exists with ID ([a-zA-Z0-9]+)\.$`)

var withID = regexp.MustCompile(`with ID ([a-zA-Z0-9]+)\.`)

// Submit makes a unit on the peer and gives it its payload.
func (s *Session) Submit(sub Submission) error {
	members := make(map[string]any, len(sub.Params)+5)
	for name, value := range sub.Params {
		members[name] = value
	}
	members["subcommand"], members["node"], members["worktype"] = "submit", s.node, sub.WorkType
	members["tlsclient"] = sub.TLSClient
	if sub.Key != "" {
		members[keyMember] = sub.Key
	}
	s.unfinished.Store(true)
	if err := s.command(members); err != nil {
		return err
	}
	line, err := s.reply(replyWait)
	if err != nil {
		return err
	}
	if match := exists.FindStringSubmatch(line); match != nil && sub.Key != "" {
		s.unfinished.Store(false)
		return sub.Created(match[1])
	}
	match := withID.FindStringSubmatch(line)
	if match == nil {
		return &RefusedError{Text: "could not parse response: " + line}
	}
	if err := s.sendPayload(sub, match[1]); err != nil {
		return err
	}
	if line, err = s.reply(replyWait); err != nil {
		return err
	}
	if err := refusal(line); err != nil {
		return &RefusedError{Text: "error from remote: " + strings.TrimPrefix(line, "ERROR: ")}
	}
	return nil
}

// sendPayload sends while the caller writes the ID down.
func (s *Session) sendPayload(sub Submission, id string) error {
	noted := make(chan error, 1)
	go func() { noted <- sub.Created(id) }()
	err := copyGrowing(writerFunc(func(p []byte) (int, error) { return len(p), s.write(p) }), sub.Payload)
	if noteErr := <-noted; noteErr != nil {
		return noteErr
	}
	if err != nil {
		return s.payloadRefused(fmt.Errorf("error sending stdin file: %w", err))
	}
	if err := s.conn.CloseWrite(); err != nil {
		return fmt.Errorf("error closing stdin file: %w", err)
	}
	s.unfinished.Store(false)
	return nil
}

// payloadRefused prefers the peer's own reason for taking no more.
func (s *Session) payloadRefused(err error) error {
	line, readErr := s.reply(time.Second)
	if readErr != nil {
		return err
	}
	if refused := refusal(line); refused != nil {
		return &RefusedError{Text: "error from remote: " + strings.TrimPrefix(line, "ERROR: ")}
	}
	return err
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

const (
	smallPiece = 4 << 10
	largePiece = 256 << 10
)

// copyGrowing copies to the end with a buffer that grows as long as it is filled:
// most outputs are a few lines, and many streams are open at once.
func copyGrowing(w io.Writer, r io.Reader) error {
	buf := make([]byte, smallPiece)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == len(buf) && n < largePiece {
			buf = make([]byte, 2*n)
		}
	}
}
