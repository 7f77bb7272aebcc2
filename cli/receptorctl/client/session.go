package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"
)

const (
	// dialTimeout bounds connecting and the TLS handshake; bannerTimeout the wait
	// for the first line, which a control service writes at once.
	dialTimeout   = 20 * time.Second
	bannerTimeout = 15 * time.Second
	readBuffer    = 64 << 10
)

const (
	bannerPrefix = "Receptor Control, node "
	errorPrefix  = "ERROR:"
)

// Session is one control connection. It is used by one goroutine at a time.
type Session struct {
	conn  net.Conn
	r     *bufio.Reader
	node  string
	ahead []question
	stop  func() bool // releases the watch on the context
}

// question is a command that was queued to travel with the next one.
type question struct {
	line string
	then func(json.RawMessage, error)
}

// Dial connects and checks the banner. The session is closed when ctx ends.
// tlsConfig is used for TLS addresses only.
func Dial(ctx context.Context, addr Address, tlsConfig *tls.Config) (*Session, error) {
	conn, err := dial(ctx, addr, tlsConfig)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, r: bufio.NewReaderSize(conn, readBuffer)}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.Handshake(); err != nil {
		s.Close()
		return nil, orCause(ctx, err)
	}
	return s, nil
}

func dial(ctx context.Context, addr Address, tlsConfig *tls.Config) (net.Conn, error) {
	plain := net.Dialer{Timeout: dialTimeout}
	if addr.Network == "unix" {
		if _, err := os.Stat(addr.Path); errors.Is(err, fs.ErrNotExist) {
			return nil, &NoSocketError{Path: addr.Path}
		}
		conn, err := plain.DialContext(ctx, "unix", addr.Path)
		return conn, dialError(ctx, addr, err)
	}
	target := net.JoinHostPort(addr.Host, addr.Port)
	if !addr.TLS {
		conn, err := plain.DialContext(ctx, "tcp", target)
		return conn, dialError(ctx, addr, err)
	}
	secure := tls.Dialer{NetDialer: &plain, Config: tlsConfig}
	conn, err := secure.DialContext(ctx, "tcp", target)
	return conn, dialError(ctx, addr, err)
}

func dialError(ctx context.Context, addr Address, err error) error {
	if err == nil {
		return nil
	}
	return orCause(ctx, &DialError{Addr: addr, Err: err})
}

// orCause prefers the reason why ctx ended over the error which that caused.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Handshake reads the banner of a control service: Dial does it for the first one,
// the caller for one reached through Connect.
func (s *Session) Handshake() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(bannerTimeout)); err != nil {
		return &BannerError{Err: err}
	}
	line, err := s.r.ReadString('\n')
	if err != nil {
		return &BannerError{Got: line, Err: err}
	}
	node, found := strings.CutPrefix(strings.TrimRight(line, "\r\n"), bannerPrefix)
	if !found || node == "" {
		return &BannerError{Got: line}
	}
	s.node = node
	return s.conn.SetReadDeadline(time.Time{})
}

// Node is the name in the banner.
func (s *Session) Node() string { return s.node }

// Close ends the session. It may be called twice.
func (s *Session) Close() {
	s.stop()
	_ = s.conn.Close() // nothing can be done about it, and nothing depends on it
}

// Outlive lets the session go on when the context of Dial ends: for a unit that must
// be released before its session may close.
func (s *Session) Outlive() { s.stop() }

// Ahead queues a command to be sent together with the next one, which saves its
// round trip. then is called with its reply before the next one's is looked at.
func (s *Session) Ahead(line string, then func(json.RawMessage, error)) {
	s.ahead = append(s.ahead, question{line, then})
}

// Command sends one line, in either syntax, and returns the reply.
func (s *Session) Command(line string) (json.RawMessage, error) {
	if err := s.send(line); err != nil {
		return nil, err
	}
	return s.jsonReply()
}

// send writes the queued questions and line, and reads the questions' replies.
func (s *Session) send(line string) error {
	ahead := s.ahead
	s.ahead = nil
	var out strings.Builder
	for _, q := range ahead {
		out.WriteString(q.line + "\n")
	}
	out.WriteString(line + "\n")
	if _, err := io.WriteString(s.conn, out.String()); err != nil {
		return fmt.Errorf("send command: %w", err)
	}
	for _, q := range ahead {
		reply, err := s.jsonReply()
		if refused := (*RemoteError)(nil); err != nil && !errors.As(err, &refused) {
			return err
		}
		q.then(reply, err)
	}
	return nil
}

func (s *Session) jsonReply() (json.RawMessage, error) {
	line, err := s.reply()
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(line)) {
		return nil, &ReplyError{Line: line}
	}
	return json.RawMessage(line), nil
}

// reply reads one line; an error of the node becomes a RemoteError. Empty lines are
// skipped: some nodes end an error with one too many.
func (s *Session) reply() (string, error) {
	for {
		line, err := s.r.ReadString('\n')
		line = strings.TrimSpace(line)
		if text, found := strings.CutPrefix(line, errorPrefix); found {
			return "", &RemoteError{Text: strings.ToValidUTF8(strings.TrimSpace(text), "�")}
		}
		if line != "" {
			return line, nil
		}
		if errors.Is(err, io.EOF) {
			return "", ErrClosed
		}
		if err != nil {
			return "", fmt.Errorf("read reply: %w", err)
		}
	}
}
