package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/authority"
)

func listenTLS(t testing.TB, cfg *tls.Config) *Listener {
	t.Helper()
	l, err := ListenTLS("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return l
}

func dialTLS(t testing.TB, addr string, cfg *tls.Config) (transport.Conn, error) {
	t.Helper()
	d, err := NewTLSDialer(addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Dial(t.Context())
}

// meetTLS dials and accepts; the accepting side's handshake runs with its first read.
func meetTLS(t testing.TB, server, client *tls.Config) (near, far transport.Conn) {
	t.Helper()
	l := listenTLS(t, server)
	accepted := make(chan transport.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			close(accepted)
			return
		}
		if err := conn.WriteFrames(batchOf(1)); err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	near, err := dialTLS(t, l.Addr(), client)
	if err != nil {
		t.Fatal(err)
	}
	far = <-accepted
	if far == nil {
		t.FailNow()
	}
	f, err := near.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	f.Free()
	return near, far
}

func TestFramesOverTLS(t *testing.T) {
	ca := authority.New(t)
	with := ca.Client()
	with.Certificates = []tls.Certificate{ca.Issue(t, "client", time.Hour)}
	for name, configs := range map[string][2]*tls.Config{
		"server only": {ca.Server(t), ca.Client()},
		"mutual":      {ca.Mutual(t), with},
	} {
		t.Run(name, func(t *testing.T) {
			probe.NoGoroutineLeft(t, func() {
				near, far := meetTLS(t, configs[0], configs[1])
				for _, ends := range [][2]transport.Conn{{near, far}, {far, near}} {
					batch := batchOf(1, 36, 1200, frame.MaxLen, 0, 2, frame.MaxLen, frame.MaxLen, 7)
					sent := make(chan error, 1)
					go func() { sent <- ends[0].WriteFrames(batch) }()
					expect(t, ends[1], batch)
					if err := <-sent; err != nil {
						t.Fatal(err)
					}
				}
				if got := near.(*Conn).PeerCertificates(); len(got) != 1 || got[0].Subject.CommonName != "server" {
					t.Errorf("the server's certificates are %v", got)
				}
				if got := far.(*Conn).PeerCertificates(); (len(got) == 1) != (name == "mutual") {
					t.Errorf("the client's certificates are %v", got)
				}
				closed(t, near)
				if _, err := far.ReadFrame(); !errors.Is(err, io.EOF) {
					t.Errorf("a closed connection: %v", err)
				}
				closed(t, far)
			})
		})
	}
}

// TestBatchOverTLSIsOneWrite counts below TLS.
func TestBatchOverTLSIsOneWrite(t *testing.T) {
	ca := authority.New(t)
	l := listenTLS(t, ca.Server(t))
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		for err == nil {
			var f *frame.Buf
			if f, err = conn.ReadFrame(); err == nil {
				f.Free()
			}
		}
		closed(t, conn)
	}()
	stream, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	count := &counting{Conn: stream}
	conn := overTLS(t, count, ca.Client())
	before := count.writes
	if err := conn.WriteFrames(batchOf(1200, 60000, 30000)); err != nil {
		t.Fatal(err)
	}
	if got := count.writes - before; got != 1 {
		t.Errorf("%d writes", got)
	}
	closed(t, conn)
}

type counting struct {
	net.Conn
	writes int
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes++
	return c.Conn.Write(p)
}

// TestRefusals names the check that fails, on the side that makes it.
func TestRefusals(t *testing.T) {
	ca, other := authority.New(t), authority.New(t)
	expired := &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "server", -time.Hour)}}
	misnamed := ca.Client()
	misnamed.ServerName = "somebody"
	stranger := ca.Client()
	stranger.Certificates = []tls.Certificate{other.Issue(t, "client", time.Hour)}
	pinned := ca.Client()
	pinned.VerifyConnection = func(tls.ConnectionState) error { return errors.New("not pinned") }
	for name, c := range map[string]struct {
		server, client *tls.Config
		dialer, far    string // part of the error
	}{
		"wrong name":      {ca.Server(t), misnamed, "not somebody", "bad certificate"},
		"wrong authority": {other.Server(t), ca.Client(), "signed by unknown authority", "bad certificate"},
		"expired":         {expired, ca.Client(), "certificate has expired", "bad certificate"},
		"not pinned":      {ca.Server(t), pinned, "not pinned", "bad certificate"},
		"no certificate":  {ca.Mutual(t), ca.Client(), "", "didn't provide a certificate"},
		"wrong client":    {ca.Mutual(t), stranger, "", "signed by unknown authority"},
		"plain client":    {ca.Server(t), nil, "", "does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listenTLS(t, c.server)
			end := make(chan error, 1)
			go func() {
				conn, err := l.Accept()
				if err == nil {
					_, err = conn.ReadFrame()
					closed(t, conn)
				}
				end <- err
			}()
			conn, err := dialTLS(t, l.Addr(), c.client)
			if c.dialer == "" {
				if err != nil {
					t.Fatal(err)
				}
				err = conn.WriteFrames(batchOf(100))
				if err == nil {
					_, err = conn.ReadFrame()
				}
				closed(t, conn)
			}
			if err == nil || !strings.Contains(err.Error(), c.dialer) {
				t.Errorf("the dialer: %v", err)
			}
			if err := <-end; err == nil || !strings.Contains(err.Error(), c.far) {
				t.Errorf("the listener: %v", err)
			}
		})
	}
}

// TestDawdlersKeepNobodyWaiting has a client that never begins its handshake.
func TestDawdlersKeepNobodyWaiting(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		ca := authority.New(t)
		l := listenTLS(t, ca.Server(t))
		silent, err := net.Dial("tcp", l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		ends := make(chan error, 2)
		go func() {
			_, err := first.ReadFrame()
			ends <- err
		}()
		go func() { ends <- first.WriteFrames(batchOf(1)) }()
		go func() {
			conn, err := dialTLS(t, l.Addr(), ca.Client())
			if err == nil {
				err = errors.Join(conn.WriteFrames(batchOf(10)), conn.Close())
			}
			if err != nil {
				t.Error(err)
			}
		}()
		second, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		expect(t, second, batchOf(10))
		closed(t, second)
		closed(t, first)
		for range 2 {
			if err := <-ends; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		closed(t, silent)
		closed(t, l)
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		l := listenTLS(t, nil) // never answers the handshake
		d, err := NewTLSDialer(l.Addr(), authority.New(t).Client())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := d.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		closed(t, l)
	})
}
