package services

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/streams"
	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/bridge"
	"receptor/transport/mesh"
	"receptor/transport/unixsock"
)

// network runs the streams of a node.
func network(s *probe.Stage, plane *mesh.Plane) *streams.Network {
	quiet := s.Log().Level(zerolog.WarnLevel)
	n := streams.NewNetwork(streams.NetworkConfig{Plane: plane, Log: quiet})
	s.Spawn(supervise.Spec{
		Name: "streams-" + plane.NodeID(), Kind: "supervisor", Supervises: true,
		New: streams.New(streams.Config{Log: quiet, Network: n}),
	})
	return n
}

func meshBinding(n *streams.Network, service string) *transport.Binding[transport.StreamListener] {
	return transport.NewBinding(func() (transport.StreamListener, error) {
		return n.Listen(service, streams.ListenOptions{})
	})
}

// unixServer takes connections to a socket to svc of node b.
func unixServer(t testing.TB, n *streams.Network) (cfg Config, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "near")
	binding := unixsock.Listen(path, 0o600)
	if _, err := binding.Prepare(); err != nil {
		t.Fatal(err)
	}
	return Config{Dial: n.DialEarly, Wanted: supervise.NewLive(Set{UnixServers: []UnixServer{{
		Path: path, Binding: binding, RemoteNode: "b", RemoteService: "svc",
	}}})}, path
}

func unixDial(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// told sends text, ends the input and returns all that comes back.
func told(t testing.TB, c transport.StreamConn, text []byte) []byte {
	t.Helper()
	go func() {
		if _, err := c.Write(text); err != nil {
			t.Errorf("write: %v", err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Errorf("end of input: %v", err)
		}
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("read: %v", err)
	}
	return got
}

// answeringUnix is the same on a Unix socket.
func answeringUnix(t testing.TB) (path string, stop func()) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "far"))
	if err != nil {
		t.Fatal(err)
	}
	return answeringOn(t, l)
}

func TestUnixSocketsKeepHalfCloseOverTheMesh(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		far, end := answeringUnix(t)
		defer end()
		netA, netB := network(s, a), network(s, b)
		router := s.Probe()
		spawnWith(s, &journal{}, "b", Config{Router: router.PID, Wanted: supervise.NewLive(Set{UnixClients: []UnixClient{{
			Service: "svc", Binding: meshBinding(netB, "svc"), Path: far,
		}}})})
		router.Expect(t, &routerv1.Advertise{
			Service: "svc", ConnType: routerv1.ConnType_CONN_TYPE_STREAM,
			Tags: map[string]string{"type": "Unix Proxy", "filename": far},
		})
		cfg, path := unixServer(t, netA)
		spawnWith(s, &journal{}, "a", cfg)
		for _, size := range []int{0, 1, 3 << 20} {
			sent := make([]byte, size)
			rand.Read(sent)
			if got := told(t, unixDial(t, path), sent); !bytes.Equal(got, sent) {
				t.Errorf("%d bytes instead of %d", len(got), size)
			}
		}
	})
}

// closed waits for the end of a connection, which should come at once.
func closed(t testing.TB, c net.Conn) {
	t.Helper()
	began := time.Now()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v", took)
	}
}

func TestAMissingFarEndClosesAtOnceWithOneWarning(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		netA, netB := network(s, a), network(s, b)
		cfg, path := unixServer(t, netA)
		var near, far journal
		spawnWith(s, &near, "a", cfg)
		closed(t, unixDial(t, path))
		eventually(t, func() bool { return near.warnings("dial b:svc") == 1 })

		nowhere := filepath.Join(t.TempDir(), "nowhere")
		ready(t, s, &far, Config{Wanted: supervise.NewLive(Set{UnixClients: []UnixClient{{Service: "svc", Binding: meshBinding(netB, "svc"), Path: nowhere}}})})
		closed(t, unixDial(t, path))
		eventually(t, func() bool { return far.warnings("dial "+nowhere) == 1 && far.warnings("no such file") == 1 })
		if near.warnings("") != 1 || far.warnings("") != 1 {
			t.Errorf("%d and %d warnings", near.warnings(""), far.warnings(""))
		}
	})
}

// identity is a certificate for 127.0.0.1 and who believes it.
func identity(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

func TestTLSOnBothTCPSides(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		serverTLS, clientTLS := identity(t)
		far, stop := answering(t)
		defer stop()
		outer, addr := server(t, func(ctx context.Context, _, _, _ string) (transport.StreamConn, error) {
			return dialTCP(ctx, far, nil)
		})
		outer.Wanted.Load().TCPServers[0].TLS = serverTLS
		var log journal
		spawnWith(s, &log, "server", outer)
		inner, sockets := client(t, addr, s.Probe().PID)
		inner.Wanted.Load().TCPClients[0].TLS = clientTLS
		spawnWith(s, &log, "client", inner)
		entry := (<-sockets).Addr().String()

		sent := make([]byte, 1<<20)
		rand.Read(sent)
		if got := ask(t, entry, sent); !bytes.Equal(got, sent) {
			t.Errorf("%d bytes instead of %d", len(got), len(sent))
		}
		plain := dial(t, addr)
		if _, err := plain.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, plain); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Error(err)
		}
		plain.Close()
		eventually(t, func() bool { return log.warnings("TLS handshake error") == 1 })
	})
}

// unixPair returns both ends of a connection over a Unix socket.
func unixPair(t *testing.T) (near, far *net.UnixConn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far = unixDial(t, l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn), far
}

// A client of TLS that is gone is found out as any other, though the far end is silent.
func TestAGoneClientOfTLSIsFoundOut(t *testing.T) {
	serverTLS, clientTLS := identity(t)
	near, client := unixPair(t)
	far, target := unixPair(t)
	server := tlsStream{tls.Server(near, serverTLS)}
	over := make(chan error, 1)
	go func() { over <- bridge.Bridge(server, far, nil) }()
	c := tls.Client(client, clientTLS)
	if _, err := io.WriteString(c, "the last words"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(target)
	if string(text) != "the last words" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	select {
	case err := <-over:
		if err != nil {
			t.Logf("the way back: %v", err) // there may be nobody to take the farewell
		}
	case <-time.After(patience):
		t.Error("the connection stays for a client that is gone")
	}
}

func TestATargetWithoutTLSIsRefused(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		_, clientTLS := identity(t)
		l := listenTCP(t)
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = c.Write([]byte("220 welcome\r\n")) // the test sees what comes of it
			_, _ = io.Copy(io.Discard, c)
		}()
		cfg, sockets := client(t, l.Addr().String(), s.Probe().PID)
		cfg.Wanted.Load().TCPClients[0].TLS = clientTLS
		var log journal
		spawnWith(s, &log, "client", cfg)
		c := dial(t, (<-sockets).Addr().String())
		defer c.Close()
		closed(t, c)
		eventually(t, func() bool { return log.warnings("TLS handshake error") == 1 })
	})
}

func TestAdvertisedConnectionKind(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		router := s.Probe()
		cfg, _ := client(t, "127.0.0.1:1", router.PID)
		cfg.Wanted.Load().TCPClients[0].TLSServer = "secret"
		spawnWith(s, &journal{}, "client", cfg)
		ad := probe.ExpectType[*routerv1.Advertise](t, router)
		if ad.GetConnType() != routerv1.ConnType_CONN_TYPE_STREAM_TLS {
			t.Errorf("%v", ad.GetConnType())
		}
	})
}
