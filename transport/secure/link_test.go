package secure

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"receptor/transport/secure/cert"
)

func hostAndNode(node string) cert.Names {
	return cert.Names{DNS: []string{"localhost"}, IP: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}, NodeIDs: []string{node}}
}

// cast makes the certificates that the cases play with.
func cast(t *testing.T) (w *world, ca, other authority) {
	w = newWorld(t)
	ca, other = w.authority("ca"), w.authority("other")
	w.issue(ca, "alpha", hostAndNode("alpha"))
	w.issue(ca, "beta", hostAndNode("beta"))
	w.issue(other, "stranger", hostAndNode("stranger"))
	w.issueUntil(ca, "late", hostAndNode("late"), w.clock().Add(-time.Minute))
	w.wrongUsage(ca, "codesign")
	return w, ca, other
}

// wrongUsage issues a certificate that is for signing code.
func (w *world) wrongUsage(ca authority, node string) {
	w.t.Helper()
	ext, err := hostAndNode(node).Extension()
	need(w.t, "names", ext, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: node},
		NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, ExtraExtensions: []pkix.Extension{ext},
	}
	key := w.key()
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	w.keep(node, need(w.t, "sign", der, err), key)
}

func TestLinks(t *testing.T) {
	w, ca, other := cast(t)
	trusting := ClientOptions{RootCAs: ca.file}
	mutual := ServerOptions{RequireClientCert: true, ClientCAs: ca.file}
	pin := func(node string) []string { return []string{strings.Repeat("00", 64), w.fingerprint(node)} }
	cases := []struct {
		name         string
		server       string
		serverOpts   ServerOptions
		client       string
		clientOpts   ClientOptions
		host         string
		byServer     Failure // why the server refuses
		byClient     Failure
		text         string // in the message of who refuses
		missing      bool   // the server says that there is no certificate
		clientsWords string // what the client hears
	}{
		{name: "server only", server: "alpha", client: "", clientOpts: trusting, host: "localhost"},
		{name: "by address", server: "alpha", client: "", clientOpts: trusting, host: "127.0.0.1"},
		{name: "by IPv6 address with a zone", server: "alpha", client: "", clientOpts: trusting, host: "[::1%lo]"},
		{name: "mutual", server: "alpha", serverOpts: mutual, client: "beta", clientOpts: trusting, host: "localhost"},
		{name: "pinned both ways", server: "alpha",
			serverOpts: ServerOptions{RequireClientCert: true, ClientCAs: ca.file, PinnedClientCert: pin("beta")},
			client:     "beta", clientOpts: ClientOptions{RootCAs: ca.file, PinnedServerCert: pin("alpha")}, host: "localhost"},
		{name: "wrong host", server: "alpha", clientOpts: trusting, host: "example.org", byClient: WrongName,
			text: "server certificate CN=alpha refused, wrong name: x509: certificate is valid for localhost, not example.org"},
		{name: "wrong address", server: "alpha", clientOpts: trusting, host: "127.0.0.2", byClient: WrongName, text: "not 127.0.0.2"},
		{name: "server of another CA", server: "stranger", clientOpts: trusting, host: "localhost", byClient: WrongCA,
			text: "server certificate CN=stranger refused, wrong CA: x509: certificate signed by unknown authority"},
		{name: "server expired", server: "late", clientOpts: trusting, host: "localhost", byClient: Expired,
			text: "server certificate CN=late refused, expired or not yet valid: x509: certificate has expired"},
		{name: "server not pinned", server: "alpha", clientOpts: ClientOptions{RootCAs: ca.file, PinnedServerCert: pin("beta")}, host: "localhost",
			byClient: NotPinned, text: "not pinned: RVF failed: presented certificate does not match any pinned fingerprint"},
		{name: "server for other use", server: "codesign", clientOpts: trusting, host: "localhost", byClient: WrongUsage, text: "incompatible key usage"},
		{name: "unknown to the system", server: "alpha", host: "localhost", byClient: WrongCA, text: "unknown authority"},

		{name: "no client certificate", server: "alpha", serverOpts: mutual, clientOpts: trusting, host: "localhost", missing: true,
			clientsWords: "certificate required"},
		{name: "no client certificate, CAs alone", server: "alpha", serverOpts: ServerOptions{ClientCAs: ca.file}, clientOpts: trusting,
			host: "localhost", missing: true, clientsWords: "certificate required"},
		{name: "client of another CA", server: "alpha", serverOpts: mutual, client: "stranger", clientOpts: trusting, host: "localhost",
			byServer: WrongCA, text: "client certificate CN=stranger refused, wrong CA", clientsWords: "remote error: tls: bad certificate"},
		{name: "client unknown to the system", server: "alpha", serverOpts: ServerOptions{RequireClientCert: true}, client: "beta",
			clientOpts: trusting, host: "localhost", byServer: WrongCA, text: "unknown authority", clientsWords: "bad certificate"},
		{name: "client expired", server: "alpha", serverOpts: mutual, client: "late", clientOpts: trusting, host: "localhost",
			byServer: Expired, text: "client certificate CN=late refused, expired", clientsWords: "bad certificate"},
		{name: "client not pinned", server: "alpha", client: "beta",
			serverOpts: ServerOptions{RequireClientCert: true, ClientCAs: ca.file, PinnedClientCert: pin("alpha")},
			clientOpts: trusting, host: "localhost", byServer: NotPinned, text: "RVF failed", clientsWords: "bad certificate"},
		{name: "client for other use", server: "alpha", serverOpts: mutual, client: "codesign", clientOpts: trusting, host: "localhost",
			byServer: WrongUsage, text: "incompatible key usage", clientsWords: "bad certificate"},

		{name: "nothing verified", server: "stranger", clientOpts: ClientOptions{InsecureSkipVerify: true}, host: "example.org"},
		{name: "nothing verified but pins", server: "stranger",
			clientOpts: ClientOptions{InsecureSkipVerify: true, PinnedServerCert: pin("stranger")}, host: "example.org"},
		{name: "pins hold when nothing else does", server: "stranger",
			clientOpts: ClientOptions{InsecureSkipVerify: true, PinnedServerCert: pin("alpha")}, host: "localhost", byClient: NotPinned, text: "RVF failed"},
		{name: "the other authority", server: "stranger", clientOpts: ClientOptions{RootCAs: other.file}, host: "localhost"},
	}
	for _, c := range cases {
		for _, min13 := range []bool{false, true} {
			t.Run(c.name+map[bool]string{true: ", TLS 1.3"}[min13], func(t *testing.T) {
				c.serverOpts.MinTLS13, c.clientOpts.MinTLS13 = min13, min13
				m := meet(t, w.server(c.server, c.serverOpts).Link(), w.client(c.client, c.clientOpts).Link(c.host))
				if c.missing {
					if m.server == nil || !strings.Contains(m.server.Error(), "client didn't provide a certificate") {
						t.Errorf("the server says %v", m.server)
					}
				} else if c.byClient == "" {
					refused(t, m.server, c.byServer, c.text)
				}
				switch {
				case c.clientsWords != "":
					if m.client == nil || !strings.Contains(m.client.Error(), c.clientsWords) {
						t.Errorf("the client hears %v", m.client)
					}
				default:
					refused(t, m.client, c.byClient, c.text)
				}
			})
		}
	}
}

// TLS 1.2 checks in another order than 1.3; the answers are the same.
func TestLinkWithOldVersion(t *testing.T) {
	w, ca, _ := cast(t)
	server := w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: ca.file}).Link()
	for node, want := range map[string]Failure{"beta": "", "stranger": WrongCA, "late": Expired} {
		client := w.client(node, ClientOptions{RootCAs: ca.file}).Link("localhost")
		client.MaxVersion = tls.VersionTLS12
		refused(t, meet(t, server, client).server, want, "")
	}
	client := w.client("", ClientOptions{RootCAs: ca.file}).Link("localhost")
	client.MaxVersion = tls.VersionTLS12
	if m := meet(t, server, client); m.server == nil || m.client == nil {
		t.Errorf("%v, %v", m.server, m.client)
	}
	client.MinVersion, client.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	if m := meet(t, server, client); m.server == nil {
		t.Error("accepted TLS 1.1")
	}
	modern := w.server("alpha", ServerOptions{MinTLS13: true}).Link()
	client.MinVersion, client.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if m := meet(t, modern, client); m.server == nil {
		t.Error("accepted TLS 1.2")
	}
}

func TestParameters(t *testing.T) {
	w, ca, _ := cast(t)
	m := meet(t, w.server("alpha", ServerOptions{}).Link(), w.client("", ClientOptions{RootCAs: ca.file}).Link("localhost"))
	if m.serverState.CurveID != tls.CurveP256 || m.serverState.Version != tls.VersionTLS13 {
		t.Errorf("curve %s, version %x", m.serverState.CurveID, m.serverState.Version)
	}
	for _, id := range suites {
		if slices.ContainsFunc(tls.InsecureCipherSuites(), func(c *tls.CipherSuite) bool { return c.ID == id }) {
			t.Errorf("%s is no good", tls.CipherSuiteName(id))
		}
	}
}

// The link handshake compares the node ID that a peer claims with these.
func TestPeerNodeIDs(t *testing.T) {
	w, ca, _ := cast(t)
	names := hostAndNode("two")
	names.NodeIDs = append(names.NodeIDs, "zwei")
	w.issue(ca, "two", names)
	server := w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: ca.file})
	client := w.client("two", ClientOptions{RootCAs: ca.file})
	m := meet(t, server.Link(), client.Link("localhost"))
	if ids, err := server.PeerNodeIDs(m.serverState); err != nil || !slices.Equal(ids, []string{"two", "zwei"}) {
		t.Errorf("server sees %v, %v", ids, err)
	}
	if ids, err := client.PeerNodeIDs(m.clientState); err != nil || !slices.Equal(ids, []string{"alpha"}) {
		t.Errorf("client sees %v, %v", ids, err)
	}
	blind := w.client("two", ClientOptions{InsecureSkipVerify: true})
	if ids, err := blind.PeerNodeIDs(m.clientState); err != nil || ids != nil {
		t.Errorf("an unverified name counts: %v, %v", ids, err)
	}
	open := w.server("alpha", ServerOptions{})
	if ids, err := open.PeerNodeIDs(m.serverState); err != nil || ids != nil {
		t.Errorf("an unverified name counts: %v, %v", ids, err)
	}
}

// A resumed session is checked against what is believed now.
func TestResumedSessionIsChecked(t *testing.T) {
	w, ca, other := cast(t)
	w.write("clients", readFile(t, ca.file))
	server := w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: w.path("clients")}).Link()
	client := w.client("beta", ClientOptions{RootCAs: ca.file}).Link("localhost")
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for i := range 2 {
		m := meet(t, server, client)
		if m.server != nil || m.serverState.DidResume != (i == 1) {
			t.Fatalf("meeting %d: %v, resumed %v", i, m.server, m.serverState.DidResume)
		}
	}
	w.write("clients", readFile(t, other.file))
	w.advance(time.Minute)
	refused(t, meet(t, server, client).server, WrongCA, "unknown authority")
}
