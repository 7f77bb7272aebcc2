package secure

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/transport/secure/cert"
)

// meetQUIC lets both ends shake hands over QUIC, and returns what each says.
func meetQUIC(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	l, err := quic.ListenAddr("127.0.0.1:0", server, nil)
	need(t, "listen", l, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := quic.DialAddr(ctx, l.Addr().String(), client, nil)
	if err == nil {
		stream, openErr := conn.OpenStreamSync(ctx)
		if err = openErr; err == nil {
			_, err = stream.Write([]byte{1})
		}
		if err == nil { // a refusal may come after the client is done
			var accepted *quic.Conn
			if accepted, err = acceptOrEnd(ctx, l, conn); accepted != nil {
				err = errors.Join(accepted.CloseWithError(0, ""), conn.CloseWithError(0, ""))
			}
		}
	}
	return l.Close(), err
}

// acceptOrEnd waits for the server's end, or for the client's to be closed.
func acceptOrEnd(ctx context.Context, l *quic.Listener, conn *quic.Conn) (*quic.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(conn.Context(), cancel)()
	accepted, err := l.Accept(ctx)
	if err != nil && conn.Context().Err() != nil {
		return nil, context.Cause(conn.Context())
	}
	return accepted, err
}

// notingServer keeps why a server refused.
func notingServer(s *Server, node string) (*tls.Config, func() error) {
	var mu sync.Mutex
	var last error
	cfg := s.Mesh([]string{"netceptor"}, func(net.Addr) string { return node })
	note := func(c *tls.Config) {
		inner := c.VerifyConnection
		if inner == nil {
			return
		}
		c.VerifyConnection = func(state tls.ConnectionState) error {
			err := inner(state)
			mu.Lock()
			defer mu.Unlock()
			last = err
			return err
		}
	}
	note(cfg)
	if per := cfg.GetConfigForClient; per != nil {
		cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := per(h)
			if err == nil {
				note(c)
			}
			return c, err
		}
	}
	return cfg, func() error {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

func TestMesh(t *testing.T) {
	w, ca, other := cast(t)
	w.issue(ca, "nameless", cert.Names{DNS: []string{"localhost"}})
	mutual := ServerOptions{RequireClientCert: true, ClientCAs: ca.file}
	trusting := ClientOptions{RootCAs: ca.file}
	pins := func(node string) ServerOptions {
		return ServerOptions{RequireClientCert: true, ClientCAs: ca.file, PinnedClientCert: []string{w.fingerprint(node)}}
	}
	cases := []struct {
		name       string
		server     string
		serverOpts ServerOptions
		client     string
		clientOpts ClientOptions
		dialled    string // node
		from       string // node the datagrams come from
		byServer   Failure
		byClient   Failure
		text       string
	}{
		{name: "server only", server: "alpha", clientOpts: trusting, dialled: "alpha", from: "beta"},
		{name: "mutual", server: "alpha", serverOpts: mutual, client: "beta", clientOpts: trusting, dialled: "alpha", from: "beta"},
		{name: "mutual, pinned", server: "alpha", serverOpts: pins("beta"), client: "beta", clientOpts: trusting, dialled: "alpha", from: "beta"},
		{name: "another node answers", server: "beta", clientOpts: trusting, dialled: "alpha", byClient: WrongName,
			text: "server certificate CN=beta refused, wrong name: x509: certificate is valid for Receptor node ID(s) beta, not alpha"},
		{name: "no node ID", server: "nameless", serverOpts: ServerOptions{SkipReceptorNamesCheck: true}, clientOpts: trusting,
			dialled: "nameless", byClient: WrongName, text: "node ID(s) (none), not nameless"},
		{name: "server of another CA", server: "stranger", clientOpts: trusting, dialled: "stranger", byClient: WrongCA, text: "unknown authority"},
		{name: "server expired", server: "late", clientOpts: trusting, dialled: "late", byClient: Expired, text: "has expired"},
		{name: "server not pinned", server: "alpha", dialled: "alpha", byClient: NotPinned, text: "RVF failed",
			clientOpts: ClientOptions{RootCAs: ca.file, PinnedServerCert: []string{strings.Repeat("00", 32)}}},
		{name: "nothing verified", server: "stranger", clientOpts: ClientOptions{InsecureSkipVerify: true}, dialled: "alpha"},
		{name: "nothing verified but pins", server: "stranger", dialled: "alpha", byClient: NotPinned, text: "RVF failed",
			clientOpts: ClientOptions{InsecureSkipVerify: true, PinnedServerCert: []string{strings.Repeat("00", 32)}}},
		{name: "datagrams of another node", server: "alpha", serverOpts: mutual, client: "beta", clientOpts: trusting, dialled: "alpha", from: "gamma",
			byServer: WrongName, text: "client certificate CN=beta refused, wrong name: x509: certificate is valid for Receptor node ID(s) beta, not gamma"},
		{name: "datagrams of nobody known", server: "alpha", serverOpts: mutual, client: "beta", clientOpts: trusting, dialled: "alpha", from: "",
			byServer: WrongName, text: "not "},
		{name: "client of another CA", server: "alpha", serverOpts: mutual, client: "stranger", clientOpts: trusting, dialled: "alpha", from: "stranger",
			byServer: WrongCA, text: "unknown authority"},
		{name: "client expired", server: "alpha", serverOpts: mutual, client: "late", clientOpts: trusting, dialled: "alpha", from: "late",
			byServer: Expired, text: "has expired"},
		{name: "client not pinned", server: "alpha", serverOpts: pins("alpha"), client: "beta", clientOpts: trusting, dialled: "alpha", from: "beta",
			byServer: NotPinned, text: "RVF failed"},
		{name: "client CAs alone", server: "alpha", serverOpts: ServerOptions{ClientCAs: other.file}, client: "stranger", clientOpts: trusting,
			dialled: "alpha", from: "somebody"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, why := notingServer(w.server(c.server, c.serverOpts), c.from)
			client := w.client(c.client, c.clientOpts).Mesh(c.dialled, []string{"netceptor"})
			serverErr, clientErr := meetQUIC(t, server, client)
			if serverErr != nil {
				t.Error(serverErr)
			}
			if c.byServer != "" {
				refused(t, why(), c.byServer, c.text)
				if clientErr == nil || !strings.Contains(clientErr.Error(), "bad certificate") {
					t.Errorf("the client hears %v", clientErr)
				}
				return
			}
			refused(t, clientErr, c.byClient, c.text)
			if c.byClient == "" {
				refused(t, why(), "", "")
			}
		})
	}
}

func TestMeshWithoutClientCertificate(t *testing.T) {
	w, ca, _ := cast(t)
	server, why := notingServer(w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: ca.file}), "beta")
	_, err := meetQUIC(t, server, w.client("", ClientOptions{RootCAs: ca.file}).Mesh("alpha", []string{"netceptor"}))
	if err == nil || !strings.Contains(err.Error(), "bad certificate") {
		t.Errorf("the client hears %v", err)
	}
	refused(t, why(), MissingCertificate, "didn't provide a certificate")
}

// Nobody learns from a hello which node is meant, and existing nodes are offered
// only what they know.
func TestMeshHello(t *testing.T) {
	w, ca, _ := cast(t)
	for _, min13 := range []bool{false, true} {
		server := w.server("alpha", ServerOptions{}).Mesh([]string{"netceptor"}, nil)
		var hello tls.ClientHelloInfo
		server.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = *h
			return nil, nil
		}
		client := w.client("", ClientOptions{RootCAs: ca.file, MinTLS13: min13}).Mesh("alpha", []string{"netceptor/2", "netceptor"})
		if m := meet(t, server, client); m.client != nil || m.clientState.NegotiatedProtocol != "netceptor" {
			t.Errorf("%v, protocol %q", m.client, m.clientState.NegotiatedProtocol)
		}
		if hello.ServerName != "" {
			t.Errorf("sent the name %s", hello.ServerName)
		}
		if !min13 && len(hello.SupportedCurves) != 3 {
			t.Errorf("offered %v", hello.SupportedCurves)
		}
	}
}

// garbage is a connection on which somebody sends anything but a handshake.
type garbage struct {
	net.Conn
	in io.Reader
}

func (g garbage) Read(p []byte) (int, error)  { return g.in.Read(p) }
func (g garbage) Write(p []byte) (int, error) { return len(p), nil }
func (g garbage) Close() error                { return nil }

func FuzzClientHello(f *testing.F) {
	w := newWorld(f)
	ca := w.authority("ca")
	w.issue(ca, "alpha", hostAndNode("alpha"))
	server := w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: ca.file}).Link()
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0})
	f.Add([]byte{0x80, 0x2e, 1, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		conn := tls.Server(garbage{in: bytes.NewReader(data)}, server)
		if err := conn.Handshake(); err == nil {
			t.Error("shook hands with nobody")
		}
	})
}
