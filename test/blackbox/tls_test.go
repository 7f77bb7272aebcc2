package blackbox

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// A refusal is a link that must not come about, and what its log has to say.
type refusal struct {
	name string
	// ends are the TLS configurations of the node that dials and the one that
	// accepts, both called links.
	ends  func(w *world, ca pair) (dials, accepts []string)
	by    string // the node that refuses
	wants []string
}

const byDialer, byListener = "dials", "accepts"

var refusals = []refusal{
	{
		name: "server of another host", by: byDialer, wants: []string{"server certificate", "wrong name", "127.0.0.1"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			elsewhere := names{node: []string{"accepts"}, dns: []string{"elsewhere.example"}}
			return trusting(ca), tlsServer("links", w.issue(ca, "accepts", elsewhere))
		},
	},
	{
		name: "server of another authority", by: byDialer, wants: []string{"server certificate", "wrong CA"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return trusting(w.authority("other")), tlsServer("links", w.issue(ca, "accepts", of("accepts")))
		},
	},
	{
		name: "expired server", by: byDialer, wants: []string{"server certificate", "expired"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return trusting(ca), tlsServer("links", w.issue(ca, "accepts", lastYear(of("accepts"))))
		},
	},
	{
		name: "server that is not pinned", by: byDialer, wants: []string{"server certificate", "not pinned"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			pin, _ := w.pins(ca.cert)
			return trusting(ca, "pinnedservercert="+pin), tlsServer("links", w.issue(ca, "accepts", of("accepts")))
		},
	},
	{
		name: "server for another node", by: byDialer, wants: []string{"certificate is for other nodes", "accepts"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return trusting(ca), tlsServer("links", w.issue(ca, "accepts", of("another")), "skipreceptornamescheck=true")
		},
	},
	{
		name: "client without certificate", by: byListener, wants: []string{"client didn't provide a certificate"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return trusting(ca), demanding(w, ca)
		},
	},
	{
		name: "client of another authority", by: byListener, wants: []string{"client certificate", "wrong CA"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return presenting(ca, w.issue(w.authority("other"), "dials", of("dials"))), demanding(w, ca)
		},
	},
	{
		name: "expired client", by: byListener, wants: []string{"client certificate", "expired"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			return presenting(ca, w.issue(ca, "dials", lastYear(of("dials")))), demanding(w, ca)
		},
	},
	{
		name: "client that is not pinned", by: byListener, wants: []string{"client certificate", "not pinned"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			_, pin := w.pins(ca.cert)
			return presenting(ca, w.issue(ca, "dials", of("dials"))), demanding(w, ca, "pinnedclientcert="+pin)
		},
	},
	{
		name: "client for another node", by: byListener, wants: []string{"certificate is for other nodes", "dials"},
		ends: func(w *world, ca pair) (dials, accepts []string) {
			another := w.issue(ca, "dials", of("another"))
			return presenting(ca, another, "skipreceptornamescheck=true"), demanding(w, ca)
		},
	},
}

// trusting is a client without a certificate that believes an authority.
func trusting(ca pair, more ...string) []string {
	return presenting(ca, pair{}, more...)
}

// presenting is a client that has a certificate, and believes an authority.
func presenting(ca, own pair, more ...string) []string {
	return append(tlsClient("links", own, "rootcas="+ca.cert), more...)
}

// demanding is a server that wants certificates of an authority.
func demanding(w *world, ca pair, more ...string) []string {
	w.t.Helper()
	own := w.issue(ca, "accepts", of("accepts"))
	return append(tlsServer("links", own, "clientcas="+ca.cert, "requireclientcert=true"), more...)
}

func lastYear(n names) names {
	n.from, n.until = time.Now().AddDate(-1, 0, 0), time.Now().Add(-time.Hour)
	return n
}

// Every link that a certificate forbids is refused, over each backend, and the log
// of who refused says which check it was.
func TestLinksThatCertificatesForbid(t *testing.T) {
	t.Parallel()
	for _, b := range []backend{
		{name: "TCP", scheme: "tcp", secure: withTLS},
		{name: "WebSocket", scheme: "ws", path: "/", secure: withTLS},
	} {
		for _, r := range refusals {
			t.Run(b.name+" "+r.name, func(t *testing.T) { r.happens(newWorld(t), b) })
		}
	}
}

func (r refusal) happens(w *world, b backend) {
	w.t.Helper()
	port := w.port()
	ofDialer, ofListener := r.ends(w, w.authority("authority"))
	accepts := w.node("accepts", ofListener, b.listener(port))
	dials := w.node("dials", ofDialer, b.peer(port))
	w.up(accepts, dials)
	judge := dials
	if r.by == byListener {
		judge = accepts
	}
	w.logLineHas(judge, r.wants...)
	s, err := judge.Status(w.ctx)
	w.must(err)
	if len(s.Connections) > 0 {
		w.t.Errorf("%s is connected: %v", judge.ID, s.Connections)
	}
	w.logCounts(judge, "Connection established", 0)
}

// What looks dubious and is allowed, because somebody said so.
func TestLinksThatOptionsAllow(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(w *world, ca pair) (dials, accepts []string){
		"TLS 1.3 at both ends": func(w *world, ca pair) (dials, accepts []string) {
			return presenting(ca, w.issue(ca, "dials", of("dials")), "mintls13=true"), demanding(w, ca, "mintls13=true")
		},
		"TLS 1.3 where it may be less": func(w *world, ca pair) (dials, accepts []string) {
			return trusting(ca), tlsServer("links", w.issue(ca, "accepts", of("accepts")), "mintls13=true")
		},
		"server that is not verified": func(w *world, ca pair) (dials, accepts []string) {
			other := w.issue(w.authority("other"), "accepts", lastYear(names{node: []string{"accepts"}}))
			return trusting(ca, "insecureskipverify=true"), tlsServer("links", other)
		},
		"server whose certificate names no node": func(w *world, ca pair) (dials, accepts []string) {
			web := w.issue(ca, "accepts", names{ip: []string{"127.0.0.1"}})
			return trusting(ca), tlsServer("links", web, "skipreceptornamescheck=true")
		},
		"one of several pins, and of several nodes": func(w *world, ca pair) (dials, accepts []string) {
			own := w.issue(ca, "dials", names{node: []string{"x", "dials", "y"}})
			first, second := w.pins(ca.cert)
			third, _ := w.pins(own.cert)
			return presenting(ca, own), demanding(w, ca, "pinnedclientcert="+first, "pinnedclientcert="+second, "pinnedclientcert="+third)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := backend{name: "TCP", scheme: "tcp", secure: withTLS}
			port := w.port()
			ofDialer, ofListener := ends(w, w.authority("authority"))
			accepts, dials := w.node("accepts", ofListener, b.listener(port)), w.node("dials", ofDialer, b.peer(port))
			w.up(accepts, dials)
			w.must(dials.Sees(w.ctx, "accepts"))
			w.pings(accepts, "dials")
		})
	}
}

// Whoever speaks TLS 1.2 and no later gets a link to nobody who wants 1.3, over each
// backend and from both sides, and the log says why; others it can speak to.
func TestMinTLS13RefusesTLS12(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	own := w.issue(ca, "foo", of("foo"))
	old := w.believing(ca)
	old.MaxVersion = tls.VersionTLS12
	foreign := w.showing(&tls.Config{MaxVersion: tls.VersionTLS12}, own)
	server := w.serve("tcp4", "127.0.0.1:0", func(conn net.Conn) error {
		_, err := io.ReadAll(tls.Server(conn, foreign))
		return err
	})
	ports := map[string]int{}
	args := harness.Join(tlsServer("strict", own, "mintls13=true"), tlsServer("easy", own),
		tlsClient("late", pair{}, "rootcas="+ca.cert, "mintls13=true"),
		[]string{"--tcp-peer", "address=" + local(server.port()), "tls=late"})
	for _, name := range []string{"tcp strict", "ws strict", "tcp easy", "ws easy"} {
		ports[name] = w.port()
		scheme, tls, _ := strings.Cut(name, " ")
		args = append(args, "--"+scheme+"-listener", "bindaddr=127.0.0.1", fmt.Sprint("port=", ports[name]), "tls="+tls)
	}
	foo := w.node("foo", args)
	w.up(foo)
	for name, port := range ports {
		conn, err := tls.DialWithDialer(w.dialer(), "tcp4", local(port), old)
		if err == nil {
			w.must(conn.Close())
		}
		if strict := strings.HasSuffix(name, "strict"); strict != (err != nil) {
			t.Errorf("%s: dialled with TLS 1.2: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("%s: refused for another reason: %v", name, err)
		}
	}
	w.logLineHas(foo, "Backend connection exited", "client offered only unsupported versions")
	w.logLineHas(foo, "connection refused", "addr="+local(ports["ws strict"]), "client offered only unsupported versions")
	w.logLineHas(foo, "Backend connection failed", local(server.port()), "protocol version not supported")
}

// What is wrong with the configuration itself is an error of the start.
func TestTLSConfigurationErrors(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	foo := w.issue(ca, "foo", of("foo"))
	bar := w.issue(ca, "bar", names{node: []string{"bar", "baz"}})
	garbage := w.file("garbage.crt", "no certificate")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"certificate of another node": {
			tlsServer("s", bar),
			[]string{"error preparing tls server config: nodeID=foo not found in certificate name(s); names found=[bar baz]; cfg section=s; server cert=" + bar.cert},
		},
		"client certificate of another node": {tlsClient("c", bar), []string{"error preparing tls client config: nodeID=foo not found", bar.cert}},
		"missing certificate":                {tlsServer("s", pair{"/no/such.crt", foo.key}), []string{"error preparing tls server config", "open /no/such.crt: no such file or directory"}},
		"key of another certificate":         {tlsServer("s", pair{foo.cert, bar.key}), []string{"error preparing tls server config", "private key does not match public key"}},
		"no certificate in the file":         {tlsServer("s", pair{garbage, foo.key}), []string{"error preparing tls server config"}},
		"missing authority":                  {tlsServer("s", foo, "clientcas=/no/such.crt"), []string{"error reading client CAs file", "/no/such.crt"}},
		"missing authority of a client":      {tlsClient("c", pair{}, "rootcas=/no/such.crt"), []string{"error reading root CAs file", "/no/such.crt"}},
		"certificate without key":            {tlsClient("c", pair{cert: foo.cert}), []string{"cert and key must both be supplied or neither"}},
		"pin that is no hex":                 {tlsServer("s", foo, "pinnedclientcert=zz"), []string{"error decoding fingerprints"}},
		"pin of SHA-1":                       {tlsClient("c", foo, "pinnedservercert="+strings.Repeat("ab", 20)), []string{"fingerprints must be 32 or 64 bytes for sha256 or sha512"}},
		"unknown name":                       {[]string{"--tcp-listener", "port=0", "tls=nobody"}, []string{"nobody"}},
		"unknown name of a client":           {[]string{"--ws-peer", "address=wss://127.0.0.1:1", "tls=nobody"}, []string{"nobody"}},
		"unknown name of a service":          {[]string{"--command-service", "service=x", "command=cat", "tls=nobody"}, []string{"nobody"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.in(t).refuses(c.want, harness.Join([]string{"--node", "id=foo", "datadir=" + w.Dir, "--local-only"}, c.args)...)
		})
	}
}
