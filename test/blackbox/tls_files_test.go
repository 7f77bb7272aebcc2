package blackbox

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// believing is how a program that is no node dials a TLS port of a node.
func (w *world) believing(ca pair) *tls.Config {
	w.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.certificate(ca.cert))
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// showing adds a certificate of its own.
func (w *world) showing(cfg *tls.Config, own pair) *tls.Config {
	w.t.Helper()
	c, err := tls.LoadX509KeyPair(own.cert, own.key)
	w.must(err)
	cfg = cfg.Clone()
	cfg.Certificates = []tls.Certificate{c}
	return cfg
}

// shown is the serial number of the certificate at a TLS port.
func (w *world) shown(port int, cfg *tls.Config) (*big.Int, error) {
	conn, err := tls.DialWithDialer(w.dialer(), "tcp4", local(port), cfg)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber, nil
}

// Certificates are exchanged under a link that carries something the whole time:
// who comes anew sees the new one, the link does not notice. Files that are no
// good change nothing, and are named.
func TestCertificateFilesAreReadAgain(t *testing.T) {
	w := newWorld(t)
	far := w.serve("tcp4", "127.0.0.1:0", store)
	entry, door := w.port(), w.port()
	b := backend{name: "TCP", scheme: "tcp", secure: withTLS}
	ca, port := w.authority("authority"), w.port()
	own := w.issue(ca, "accepts", of("accepts"))
	client := w.issue(ca, "dials", of("dials"))
	accepts := w.node("accepts", tlsServer("links", own, "clientcas="+ca.cert, "requireclientcert=true"), b.listener(port),
		tcpClient("store", far.port()))
	accepts.Control = []string{"tcplisten=" + local(door), "tcptls=links"}
	dials := w.node("dials", presenting(ca, client), b.peer(port), tcpServer(entry, "accepts", "store"))
	w.up(accepts, dials)
	w.must(dials.Sees(w.ctx, "accepts"))

	carried := make(chan struct{})
	conn := w.dial("tcp4", local(entry))
	go func() {
		defer close(carried)
		w.carries(conn, transfer)
	}()
	cfg := w.showing(w.believing(ca), client)
	old, err := w.shown(door, cfg)
	w.must(err)

	w.issue(ca, "accepts", of("accepts"))
	renewed := w.certificate(own.cert).SerialNumber
	w.showsSoon(door, cfg, renewed)
	w.logHas(accepts, "certificate files read again")
	w.issue(ca, "dials", of("dials"))
	if old.Cmp(renewed) == 0 {
		t.Fatal("the new certificate has the old serial number")
	}

	w.must(os.WriteFile(own.cert, []byte("no certificate"), 0o600))
	w.must(harness.Until(w.ctx, "the bad file to be noticed", func() error {
		if serial, err := w.shown(door, cfg); err != nil || serial.Cmp(renewed) != 0 {
			return &harness.Fatal{Err: fmt.Errorf("a bad file changed something: serial number %v, %w", serial, err)}
		}
		log, err := os.ReadFile(accepts.LogFile)
		if err == nil && !strings.Contains(string(log), "changed certificate files can't be used") {
			err = errors.New(accepts.LogTail())
		}
		return err
	}))
	<-carried
	for _, n := range []*harness.Node{accepts, dials} {
		w.logCounts(n, "Connection established", 1)
	}
}

// The same over a WebSocket, and for a service of the mesh: links and streams that are
// there go on, those that come get the new certificate.
func TestCertificateFilesOfWebSocketsAndServicesAreReadAgain(t *testing.T) {
	w := newWorld(t)
	far := w.serve("tcp4", "127.0.0.1:0", store)
	entry, later, port := w.port(), w.port(), w.port()
	b := backend{name: "WebSocket", scheme: "ws", path: "/mesh", secure: withTLS}
	ca, next := w.authority("authority"), w.authority("next")
	own, service := w.issue(ca, "accepts", of("accepts")), w.issue(ca, "service", of("accepts"))
	accepts := w.node("accepts", tlsServer("links", own), tlsServer("mesh", service), b.listener(port),
		tcpClient("store", far.port(), "tlsserver=mesh"))
	dials := w.node("dials", trusting(ca), b.peer(port),
		tlsClient("now", pair{}, "rootcas="+ca.cert), tcpServer(entry, "accepts", "store", "tlsclient=now"),
		tlsClient("later", pair{}, "rootcas="+next.cert), tcpServer(later, "accepts", "store", "tlsclient=later"))
	w.up(accepts, dials)
	w.must(dials.Sees(w.ctx, "accepts"))

	under := exchange{w.dial("tcp4", local(entry)), 1 << 20} // begun before, carries after
	defer under.Close()
	w.must(binary.Write(under.Conn, binary.BigEndian, under.size))
	w.must(harness.Until(w.ctx, "the stream to be there", func() error {
		if n := far.open(); n != 1 {
			return fmt.Errorf("%d streams reach the server", n)
		}
		return nil
	}))
	stored := func() error {
		conn := w.dial("tcp4", local(later))
		defer conn.Close()
		return exchange{conn, 1 << 10}.ask()
	}
	if err := stored(); err == nil {
		t.Error("a service with a certificate of another authority is believed")
	}
	w.logLineHas(dials, "wrong CA")

	w.issue(ca, "accepts", of("accepts"))
	w.showsSoon(port, w.believing(ca), w.certificate(own.cert).SerialNumber)
	w.issue(next, "service", of("accepts"))
	w.must(harness.Until(w.ctx, "the service to show its new certificate", stored))
	w.must(under.send(seedOfClient))
	w.must(under.receive())
	for _, n := range []*harness.Node{accepts, dials} {
		w.logCounts(n, "Connection established", 1)
	}
}

// exponent is a number as Prometheus writes it.
func exponent(n int64) string { return strconv.FormatFloat(float64(n), 'g', -1, 64) }

func (w *world) showsSoon(port int, cfg *tls.Config, want *big.Int) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, "the new certificate to be shown", func() error {
		serial, err := w.shown(port, cfg)
		if err == nil && serial.Cmp(want) != 0 {
			err = fmt.Errorf("it is %v, want %v", serial, want)
		}
		return err
	}))
}

// A new authority that is put in force lets those in who were refused before.
func TestNewAuthorityLetsTheRefusedIn(t *testing.T) {
	w := newWorld(t)
	b := backend{name: "TCP", scheme: "tcp", secure: withTLS}
	ca, other, port := w.authority("authority"), w.authority("other"), w.port()
	accepts := w.node("accepts", demanding(w, ca), b.listener(port))
	dials := w.node("dials", presenting(ca, w.issue(other, "dials", of("dials"))), b.peer(port))
	w.up(accepts, dials)
	w.logLineHas(accepts, "client certificate", "wrong CA")
	both, err := os.ReadFile(ca.cert)
	w.must(err)
	second, err := os.ReadFile(other.cert)
	w.must(err)
	w.must(os.WriteFile(ca.cert, append(both, second...), 0o600))
	w.must(dials.Sees(w.ctx, "accepts"))
}

// Expiry within 30 days is in the log, and in what the node tells of itself.
func TestExpirySoonIsToldBefore(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	soon, far := of("foo"), of("foo")
	soon.until, far.until = time.Now().AddDate(0, 0, 10), time.Now().AddDate(0, 0, 50)
	own := w.issue(ca, "soon", soon)
	web := filepath.Join(w.Dir, "web")
	foo := w.node("foo", []string{"--local-only"}, []string{"--debug", "http=" + web}, tlsServer("s", own), tlsServer("t", w.issue(ca, "far", far)))
	w.up(foo)
	w.logLineHas(foo, "WARNING", "certificate expires soon", own.cert, soon.until.UTC().Format("2006-01-02"))
	w.logCounts(foo, "certificate expires soon", 1)
	if out := w.ctl(foo, "status"); !strings.Contains(out, own.cert) || strings.Contains(out, "far.crt") || strings.Count(out, "tls-server") != 1 {
		t.Errorf("status: %s", out)
	}
	w.must(answers(w.ctx, onSocket(web), "http://localhost/metrics", 200,
		fmt.Sprintf("receptor_certificate_expiry_timestamp_seconds{config=\"tls-server s\"} %s\n", exponent(soon.until.Unix()))))
}
