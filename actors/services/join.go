package services

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
	"receptor/transport/bridge"
)

// handshakeWait is how long a client may take to shake hands.
const handshakeWait = 10 * time.Second

// join serves a client by dialling the target for it. A client without a target
// is closed at once.
func (s *services) join(target string, dial func(ctx context.Context) (transport.StreamConn, error)) serveStream {
	return s.joining(target, func(ctx context.Context, _ transport.StreamConn) (transport.StreamConn, bridge.Trace, error) {
		far, err := dial(ctx)
		return far, s.cfg.Trace, err
	})
}

// joinEarly is join for a dial that takes along what the client has sent so far.
func (s *services) joinEarly(
	target string, dial func(ctx context.Context, early []byte) (transport.StreamConn, error),
) serveStream {
	return s.joining(target, func(ctx context.Context, client transport.StreamConn) (transport.StreamConn, bridge.Trace, error) {
		early := atHand(client)
		far, err := dial(ctx, early)
		return far, traceEarly(s.cfg.Trace, client, len(early)), err
	})
}

func (s *services) joining(
	target string,
	dial func(ctx context.Context, client transport.StreamConn) (transport.StreamConn, bridge.Trace, error),
) serveStream {
	return func(ctx context.Context, client transport.StreamConn) (servicesv1.End, error) {
		if err := shakeHands(ctx, client); err != nil {
			bridge.Abort(client)
			return servicesv1.End_END_REFUSED, fmt.Errorf("TLS handshake error: %w", err)
		}
		far, trace, err := dial(ctx, client)
		if err != nil {
			client.Close()
			return servicesv1.End_END_REFUSED, fmt.Errorf("dial %s: %w", target, err)
		}
		interrupt := context.AfterFunc(ctx, func() {
			bridge.Abort(far)
			bridge.Abort(client)
		})
		defer interrupt()
		err = bridge.Bridge(client, far, trace)
		switch {
		case err == nil:
			return servicesv1.End_END_CLOSED, nil
		case errors.Is(err, transport.ErrNotTrusted):
			return servicesv1.End_END_REFUSED, fmt.Errorf("%s refused the certificate of the tls-client: %w", target, err)
		default:
			return servicesv1.End_END_LOST, err
		}
	}
}

// earlyTrace tells of what the dial took along as if it had been copied.
type earlyTrace struct {
	bridge.Trace
	from   string
	length int
}

func traceEarly(trace bridge.Trace, client transport.StreamConn, length int) bridge.Trace {
	if trace == nil || length == 0 {
		return trace
	}
	return earlyTrace{Trace: trace, from: bridge.NameOf(client), length: length}
}

// TraceBridging implements bridge.Trace.
func (t earlyTrace) TraceBridging(from, to string) {
	t.Trace.TraceBridging(from, to)
	if from == t.from {
		t.TraceCopied(t.length, from, to)
	}
}

// maxAtHand is what one packet takes along.
const maxAtHand = 1024

// atHand reads what the client has sent already, without waiting. What goes wrong
// shows again when it is read the next time.
func atHand(client transport.StreamConn) []byte {
	c, ok := client.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	b, n := make([]byte, maxAtHand), 0
	err = raw.Read(func(fd uintptr) bool {
		n, _ = unix.Read(int(fd), b)
		return true
	})
	if err != nil || n <= 0 {
		return nil
	}
	return b[:n]
}

// shakeHands lets a client of TLS prove itself before anything is dialled for it.
func shakeHands(ctx context.Context, client transport.StreamConn) error {
	t, ok := client.(tlsStream)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	return t.HandshakeContext(ctx)
}

// tlsStream is TLS on TCP.
type tlsStream struct{ *tls.Conn }

// Abort breaks off so that the far end reads an error. Close would say farewell,
// and the far end would take a part for the whole.
func (s tlsStream) Abort() { bridge.Abort(s.NetConn()) }
