package streams

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
)

// oldPeer speaks QUIC as other implementations do: one stream per connection.
type oldPeer struct {
	socket *mesh.Socket
	tr     *quic.Transport
	creds  *tls.Config
}

func newOldPeer(t testing.TB, h *host, service string) *oldPeer {
	t.Helper()
	socket, err := h.plane.Listen(service, mesh.SocketOptions{Lossy: true})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := insecureCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return &oldPeer{socket: socket, tr: &quic.Transport{Conn: datagrams{socket}}, creds: &tls.Config{
		Certificates: []tls.Certificate{cert}, NextProtos: []string{alpnSingle}, InsecureSkipVerify: true,
	}}
}

func (o *oldPeer) stop(t testing.TB) {
	if err := errors.Join(o.tr.Close(), o.socket.Close()); err != nil {
		t.Error(err)
	}
}

func (o *oldPeer) listen(t testing.TB) *quic.Listener {
	t.Helper()
	l, err := o.tr.Listen(o.creds, &quic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dial returns a connection to service of node b and a stream on it.
func (o *oldPeer) dial(t testing.TB, service string) (*quic.Conn, *quic.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := o.tr.Dial(ctx, mesh.Addr{Node: "b", Service: service}, o.creds, &quic.Config{KeepAlivePeriod: 15 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s, err := conn.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	return conn, s
}

func closedNormally(err error) bool {
	var app *quic.ApplicationError
	return errors.As(err, &app) && app.ErrorCode == 0 && strings.HasSuffix(app.ErrorMessage, reasonNormal)
}

func TestAnOldPeerGetsAConnectionPerStream(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		old := newOldPeer(t, p.b, "old")
		defer old.stop(t)
		l := old.listen(t)
		const streams = 5
		ended := make(chan error, streams)
		go func() {
			for range streams {
				conn, err := l.Accept(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				go func() { ended <- oldEcho(conn) }()
			}
		}()
		var all sync.WaitGroup
		for range streams {
			all.Go(func() {
				if got := exchange(t, p.a.dial(t, "b", "old"), "hello"); got != "\x00hello" {
					t.Errorf("%q", got)
				}
			})
		}
		all.Wait()
		if n := sessions(t, s, p.a); n != streams {
			t.Errorf("%d connections linger", n)
		}
		begin := time.Now()
		for range streams {
			if err := <-ended; !closedNormally(err) {
				t.Errorf("the connection ended with %v", err)
			}
		}
		if took := time.Since(begin); took < linger-time.Second || took > linger+time.Second {
			t.Errorf("they lingered for %v", took)
		}
	})
}

// oldEcho sends back all that comes, marker included, and returns why the
// connection ended.
func oldEcho(conn *quic.Conn) error {
	s, err := conn.AcceptStream(context.Background())
	if err != nil {
		return err
	}
	all, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if _, err := s.Write(all); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	<-conn.Context().Done()
	return context.Cause(conn.Context())
}

func TestAnOldPeerDialsUs(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		old := newOldPeer(t, p.a, "")
		defer old.stop(t)
		conn, stream := old.dial(t, "echo")
		sent := bytes.Repeat([]byte("data"), 50000)
		go func() {
			if _, err := stream.Write(append([]byte{marker}, sent...)); err != nil {
				t.Error(err)
			}
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(stream)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
		}
		time.Sleep(linger - time.Second)
		if err := context.Cause(conn.Context()); err != nil {
			t.Errorf("the connection ended too early: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := context.Cause(conn.Context()); !closedNormally(err) {
			t.Errorf("the connection ended with %v", err)
		}
	})
}

func TestOldPeersThatDoNotFollow(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		after        time.Duration
		act          func(t *testing.T, s *quic.Stream)
	}{
		{"wrong marker", reasonMarker, 0, func(t *testing.T, s *quic.Stream) {
			if _, err := s.Write([]byte{1}); err != nil {
				t.Error(err)
			}
		}},
		{"no stream", reasonAccept, markerWait, func(*testing.T, *quic.Stream) {}},
		{"an empty stream", reasonMarker, 0, func(t *testing.T, s *quic.Stream) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				p := newPair(s, slow)
				defer p.stop()
				l := p.b.listen(t, "svc")
				go serve(l, func(transport.StreamConn) { t.Error("a stream was accepted") })
				old := newOldPeer(t, p.a, "")
				defer old.stop(t)
				conn, stream := old.dial(t, "svc")
				begin := time.Now()
				c.act(t, stream)
				<-conn.Context().Done()
				var app *quic.ApplicationError
				if err := context.Cause(conn.Context()); !errors.As(err, &app) || app.ErrorCode != codeSetUp || app.ErrorMessage != c.reason {
					t.Errorf("the connection ended with %v", err)
				}
				if took := time.Since(begin); took > c.after+time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestAListenerOfAnotherProfileIsRefused(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		old := newOldPeer(t, p.b, "secure")
		defer old.stop(t)
		other, err := selfSigned("somebody")
		if err != nil {
			t.Fatal(err)
		}
		old.creds.Certificates = []tls.Certificate{other}
		old.listen(t)
		_, err = p.a.net.Dial(context.Background(), "b", "secure", "")
		if err == nil || !strings.Contains(err.Error(), "CRYPTO_ERROR 0x12a (local): insecure connection to secure service") {
			t.Error(err)
		}
	})
}
