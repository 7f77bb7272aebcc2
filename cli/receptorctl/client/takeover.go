package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// CopyBuffer is the piece in which payloads and results are moved.
const CopyBuffer = 256 << 10

var (
	createdForm   = regexp.MustCompile(`^Work unit created with ID (.+)\. Send stdin data and EOF\.$`)
	streamingForm = regexp.MustCompile(`^Streaming results for work unit (.+)$`)
)

// Submission is a unit of work to be.
type Submission struct {
	Node     string // empty for the node we are connected to
	WorkType string
	TLS      string // name of a TLS client of the node
	TTL      string
	Sign     bool
	Params   []Param // further members, in order
}

// Param is one parameter of a work type.
type Param struct{ Key, Value string }

// DuplicateError is a parameter that is given twice, or has a meaning of its own.
type DuplicateError struct{ Key string }

func (e *DuplicateError) Error() string { return "duplicate or illegal parameter " + e.Key }

// line is the command as one JSON object.
func (q Submission) line() (string, error) {
	node := q.Node
	if node == "" {
		node = "localhost"
	}
	members := []Param{
		{"command", "work"}, {"subcommand", "submit"}, {"node", node}, {"worktype", q.WorkType},
	}
	if q.TLS != "" {
		members = append(members, Param{"tlsclient", q.TLS})
	}
	if q.TTL != "" {
		members = append(members, Param{"ttl", q.TTL})
	}
	if q.Sign {
		members = append(members, Param{"signwork", "true"})
	}
	return object(append(members, q.Params...))
}

func object(members []Param) (string, error) {
	seen := map[string]bool{}
	parts := make([]string, 0, len(members))
	for _, m := range members {
		if seen[m.Key] {
			return "", &DuplicateError{Key: m.Key}
		}
		seen[m.Key] = true
		key, err := json.Marshal(m.Key)
		if err != nil {
			return "", fmt.Errorf("encode parameter: %w", err)
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return "", fmt.Errorf("encode parameter: %w", err)
		}
		parts = append(parts, string(key)+": "+string(value))
	}
	return "{" + strings.Join(parts, ", ") + "}", nil
}

// Submit creates the unit and returns its ID; Upload must follow. Closing the
// session instead starts the unit with what has been sent.
func (s *Session) Submit(q Submission) (unit string, err error) {
	line, err := q.line()
	if err != nil {
		return "", err
	}
	reply, err := s.exchange(line)
	if err != nil {
		return "", err
	}
	m := createdForm.FindStringSubmatch(reply)
	if m == nil {
		return "", &ReplyError{Line: reply}
	}
	return m[1], nil
}

func (s *Session) exchange(line string) (string, error) {
	if err := s.send(line); err != nil {
		return "", err
	}
	return s.reply()
}

// Upload sends the payload to its end and returns the final reply. After an
// UploadError the unit must be released before the session is closed, or it runs
// with half a payload. Ending ctx interrupts it, with an UploadError too.
func (s *Session) Upload(ctx context.Context, payload io.Reader) (json.RawMessage, error) {
	done := make(chan error, 1)
	go func() {
		_, err := copyPieces(s.conn, payload)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, s.refusal(err)
		}
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // the end of the input may well be the same Ctrl-C
		return nil, &UploadError{Err: context.Cause(ctx)}
	}
	if err := s.CloseWrite(); err != nil {
		return nil, &UploadError{Err: err}
	}
	return s.jsonReply()
}

// refusal looks whether the node said why it stopped listening.
func (s *Session) refusal(err error) error {
	var sending *net.OpError
	if !errors.As(err, &sending) || s.conn.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return &UploadError{Err: err}
	}
	var said *RemoteError
	if _, replyErr := s.reply(); errors.As(replyErr, &said) {
		return &UploadError{Err: said}
	}
	return &UploadError{Err: err}
}

// copyPieces is io.Copy with a large buffer whatever the two ends offer.
func copyPieces(dst io.Writer, src io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, make([]byte, CopyBuffer))
}

// Results asks for the output of a unit from an offset on. Read then returns it as
// it comes; its end is the end of input.
func (s *Session) Results(unit string, from int64) error {
	line, err := Line("work", "results", unit, strconv.FormatInt(from, 10))
	if err != nil {
		return err
	}
	reply, err := s.exchange(line)
	if err != nil {
		return err
	}
	if !streamingForm.MatchString(reply) {
		return &ReplyError{Line: reply}
	}
	return nil
}

// Connect joins the session to a service of a node. tlsName may be empty.
func (s *Session) Connect(node, service, tlsName string) error {
	line, err := Line("connect", node, service)
	if err != nil {
		return err
	}
	if strings.ContainsAny(tlsName, " \r\n") {
		return fmt.Errorf("TLS name %q contains a blank or a line break", tlsName)
	}
	reply, err := s.exchange(line + " " + tlsName)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(reply, "Connecting") {
		return &ReplyError{Line: reply}
	}
	return nil
}

// Read returns bytes that came after the last reply.
func (s *Session) Read(p []byte) (int, error) { return s.r.Read(p) }

// Write sends bytes.
func (s *Session) Write(p []byte) (int, error) { return s.conn.Write(p) }

// CloseWrite says that no more bytes will be sent; the way back stays open.
func (s *Session) CloseWrite() error {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("half-close: not possible on a %T", s.conn)
	}
	return half.CloseWrite()
}

// Line joins a command and its arguments. The line syntax has no quoting, so that a
// word which would be read as several is refused.
func Line(words ...string) (string, error) {
	for _, w := range words {
		if w == "" || strings.ContainsAny(w, " \r\n") {
			return "", fmt.Errorf("%q is empty or contains a blank or a line break", w)
		}
	}
	return strings.Join(words, " "), nil
}
