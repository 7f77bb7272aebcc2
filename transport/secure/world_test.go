package secure

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/transport/secure/cert"
)

// world is a folder of certificates, a clock and a log.
type world struct {
	t   testing.TB
	dir string
	log logbook
	now atomic.Pointer[time.Time]
}

// logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	now := time.Now()
	w.now.Store(&now)
	return w
}

func (w *world) clock() time.Time { return *w.now.Load() }

func (w *world) advance(d time.Duration) {
	now := w.clock().Add(d)
	w.now.Store(&now)
}

func (w *world) store(node string) *Store {
	return NewStore(Config{NodeID: node, Log: zerolog.New(&w.log), Now: w.clock})
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// write replaces a file the way careful programs do.
func (w *world) write(name string, text []byte) string {
	w.t.Helper()
	path := w.path(name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func need[T any](t testing.TB, what string, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return v
}

// authority is a CA of the test.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	file string
}

func (w *world) authority(name string) authority {
	w.t.Helper()
	key := w.key()
	der, err := cert.NewCA(rand.Reader, key, name, cert.Validity{NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().AddDate(10, 0, 0)})
	need(w.t, "make a CA", der, err)
	c, err := x509.ParseCertificate(der)
	need(w.t, "parse a CA", c, err)
	return authority{cert: c, key: key, file: w.write(name+".ca", cert.EncodeCertificate(der))}
}

func (w *world) key() crypto.Signer {
	key, err := cert.NewKey(rand.Reader, cert.ECDSA, 256)
	return need(w.t, "make a key", key, err)
}

// issue writes <file>.crt and <file>.key, good for a year from the clock's now.
func (w *world) issue(ca authority, file string, names cert.Names) {
	w.t.Helper()
	w.issueUntil(ca, file, names, w.clock().AddDate(1, 0, 0))
}

func (w *world) issueUntil(ca authority, file string, names cert.Names, until time.Time) {
	w.t.Helper()
	key := w.key()
	der, err := cert.NewRequest(rand.Reader, key, file, names)
	need(w.t, "make a request", der, err)
	r, err := x509.ParseCertificateRequest(der)
	need(w.t, "parse a request", r, err)
	der, err = cert.Sign(rand.Reader, r, ca.cert, ca.key, cert.Validity{NotBefore: w.clock().Add(-time.Hour), NotAfter: until})
	need(w.t, "sign", der, err)
	w.keep(file, der, key)
}

func (w *world) keep(file string, der []byte, key crypto.Signer) {
	w.t.Helper()
	text, err := cert.EncodeKey(key)
	w.write(file+".key", need(w.t, "encode a key", text, err))
	w.write(file+".crt", cert.EncodeCertificate(der))
}

func (w *world) fingerprint(file string) string {
	w.t.Helper()
	text, err := os.ReadFile(w.path(file + ".crt"))
	c, err2 := cert.ReadCertificate(need(w.t, "read", text, err))
	sum := sha256.Sum256(need(w.t, "parse", c, err2).Raw)
	return hex.EncodeToString(sum[:])
}

// server returns the tls-server of a node whose files are called like it.
func (w *world) server(node string, opts ServerOptions) *Server {
	w.t.Helper()
	opts.Name, opts.Cert, opts.Key = "s", w.path(node+".crt"), w.path(node+".key")
	store := w.store(node)
	if err := store.AddServer(opts); err != nil {
		w.t.Fatal(err)
	}
	s, err := store.Server("s")
	return need(w.t, "find", s, err)
}

// client is the same; without a node it has no certificate.
func (w *world) client(node string, opts ClientOptions) *Client {
	w.t.Helper()
	opts.Name = "c"
	if node != "" {
		opts.Cert, opts.Key = w.path(node+".crt"), w.path(node+".key")
	}
	store := w.store(node)
	if err := store.AddClient(opts); err != nil {
		w.t.Fatal(err)
	}
	c, err := store.Client("c")
	return need(w.t, "find", c, err)
}

// meeting is how a handshake over a real connection ended.
type meeting struct {
	server, client           error
	serverState, clientState tls.ConnectionState
}

// meet lets both ends shake hands and send a byte to each other.
func meet(t *testing.T, server, client *tls.Config) meeting {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	need(t, "listen", l, err)
	defer l.Close()
	var m meeting
	var both sync.WaitGroup
	both.Go(func() {
		raw, err := l.Accept()
		if err != nil {
			m.server = err
			return
		}
		m.serverState, m.server = greet(tls.Server(raw, server), true)
	})
	raw, err := net.Dial("tcp", l.Addr().String())
	need(t, "dial", raw, err)
	m.clientState, m.client = greet(tls.Client(raw, client), false)
	both.Wait()
	return m
}

// greet has the server speak first: a client that writes to a server which has
// hung up may lose the reason.
func greet(conn *tls.Conn, server bool) (tls.ConnectionState, error) {
	defer conn.Close()
	send := func() error { _, err := conn.Write([]byte{1}); return err }
	receive := func() error { _, err := io.ReadFull(conn, make([]byte, 1)); return err }
	steps := []func() error{conn.Handshake, receive, send}
	if server {
		steps = []func() error{conn.Handshake, send, receive}
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return tls.ConnectionState{}, err
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return tls.ConnectionState{}, err
		}
	}
	return conn.ConnectionState(), nil
}

// refused checks why a peer was turned away; an empty want is that it was not.
func refused(t *testing.T, err error, want Failure, text string) {
	t.Helper()
	var refusal *VerifyError
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want == "":
	case !errors.As(err, &refusal):
		t.Errorf("got %v, want refused for: %s", err, want)
	case refusal.Failure != want || !strings.Contains(err.Error(), text):
		t.Errorf("got %v, want %s: %s", err, want, text)
	}
}
