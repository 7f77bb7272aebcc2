package socket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// TLS is a TLS connection whose handshake happens at its first use, and which
// writes all records of one Write with one system call.
//
//	Write ─► crypto/tls ─► records of 16 KiB ─► burst ─► one write
type TLS struct {
	*tls.Conn
	burst     *burst
	handshake func() error
	failed    func(error) // nil: nobody wants to know
	done      atomic.Bool // the handshake succeeded
}

// Client speaks TLS to a server that should have a certificate for host, unless
// cfg has another name for it. It takes a config that Config made.
func Client(conn net.Conn, cfg *tls.Config, host string) *TLS {
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = strings.Cut(host, "%") // no certificate names a zone
	}
	b := newBurst(conn)
	return newTLS(tls.Client(b, cfg), b)
}

// Server speaks TLS to a client. It takes a config that Config made.
func Server(conn net.Conn, cfg *tls.Config) *TLS {
	b := newBurst(conn)
	return newTLS(tls.Server(b, cfg), b)
}

// Config makes records as long as they may be from the beginning, since a batch is
// written as a whole anyway, and offers the given application protocols.
func Config(cfg *tls.Config, protos ...string) *tls.Config {
	if cfg == nil {
		return nil
	}
	cfg = cfg.Clone()
	cfg.DynamicRecordSizingDisabled = true
	if len(protos) > 0 {
		cfg.NextProtos = protos
	}
	if choose := cfg.GetConfigForClient; choose != nil {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			return Config(chosen, protos...), err
		}
	}
	return cfg
}

func newTLS(conn *tls.Conn, b *burst) *TLS {
	t := &TLS{Conn: conn, burst: b}
	t.handshake = sync.OnceValue(t.shake)
	return t
}

// shake bounds the handshake, also that of a client that never begins it.
func (t *TLS) shake() error {
	ctx, cancel := context.WithTimeout(context.Background(), DialTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		err = fmt.Errorf("tls handshake with %s: %w", t.RemoteAddr(), err)
		if t.failed != nil {
			t.failed(err)
		}
		return err
	}
	t.done.Store(true)
	return nil
}

// OnFailure has f told why the handshake failed, beside those who read and write.
// It has to be called before them.
func (t *TLS) OnFailure(f func(error)) { t.failed = f }

// Shake does the handshake now, unless it has been done, and gives up with ctx.
func (t *TLS) Shake(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { t.burst.Conn.Close() }) // wakes who waits for the neighbour
	err := t.handshake()
	if !stop() {
		return fmt.Errorf("tls handshake with %s: %w", t.RemoteAddr(), context.Cause(ctx))
	}
	return err
}

// PeerCertificates are those of the far end, its own first; none before the
// handshake.
func (t *TLS) PeerCertificates() []*x509.Certificate {
	if !t.done.Load() {
		return nil
	}
	return t.ConnectionState().PeerCertificates
}

// Read reads what was decrypted.
func (t *TLS) Read(p []byte) (int, error) {
	if err := t.handshake(); err != nil {
		return 0, err
	}
	return t.Conn.Read(p)
}

// Write encrypts p and writes it at once.
func (t *TLS) Write(p []byte) (int, error) {
	if err := t.handshake(); err != nil {
		return 0, err
	}
	t.burst.hold()
	n, err := t.Conn.Write(p)
	if sent := t.burst.release(); err == nil && sent != nil {
		return 0, sent
	}
	return n, err
}

// Close closes the socket at once. A farewell would wait for a neighbour that
// does not read, and an end inside a frame is noticed without one.
func (t *TLS) Close() error { return t.burst.Close() }

// readAhead is how much one read takes from the socket: a run of records.
const readAhead = 128 << 10

// burst collects what is written while it is held.
type burst struct {
	net.Conn
	r    *Ahead
	mu   sync.Mutex // the reading goroutine writes, too: alerts, new keys
	held bool
	out  []byte
}

func newBurst(conn net.Conn) *burst {
	return &burst{Conn: conn, r: NewAhead(conn, readAhead)}
}

func (b *burst) Read(p []byte) (int, error) { return b.r.Read(p) }

func (b *burst) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		b.out = append(b.out, p...)
		return len(p), nil
	}
	return b.Conn.Write(p)
}

func (b *burst) hold() {
	b.mu.Lock()
	b.held = true
	b.mu.Unlock()
}

// release writes what was collected.
func (b *burst) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = false
	if len(b.out) == 0 {
		return nil
	}
	_, err := b.Conn.Write(b.out)
	b.out = b.out[:0]
	return err
}
