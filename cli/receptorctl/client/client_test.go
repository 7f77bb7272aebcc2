package client

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseAddress(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	unix := func(p string) Address { return Address{Network: "unix", Path: p} }
	for text, want := range map[string]Address{
		"foo.sock": unix("foo.sock"), "unix:foo.sock": unix("foo.sock"), "unix:///run/foo.sock": unix("/run/foo.sock"),
		"/run/a:b.sock": unix("/run/a:b.sock"), "~/x.sock": unix(filepath.Join(home, "x.sock")), "unix:~/x": unix(filepath.Join(home, "x")),
		"tcp:localhost:27": {Network: "tcp", Host: "localhost", Port: "27"},
		"tcp://::1:27":     {Network: "tcp", Host: "::1", Port: "27"},
		"tls://[::1]:27":   {Network: "tcp", Host: "::1", Port: "27", TLS: true},
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "unix:", "tcp://127.0.0.1", "bad:addr:x", "tcp:host:port", "tcp://"} {
		var wrong *AddressError
		if got, err := ParseAddress(text); !errors.As(err, &wrong) {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

// serve lets talk answer the one connection to a Unix socket.
func serve(t *testing.T, talk func(net.Conn)) Address {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, talk)
	return Address{Network: "unix", Path: path}
}

func serveOn(t *testing.T, l net.Listener, talk func(net.Conn)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talk(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
}

func say(t *testing.T, w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil {
		t.Logf("server: %v", err)
	}
}

func open(t *testing.T, addr Address) *Session {
	t.Helper()
	s, err := Dial(t.Context(), addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestWhatIsNoControlServiceIsNamed(t *testing.T) {
	for _, text := range []string{"", "HTTP/1.1 400 Bad Request\r\n", "Receptor Control, node \n", "no line end"} {
		addr := serve(t, func(c net.Conn) { say(t, c, text) })
		var wrong *BannerError
		if _, err := Dial(t.Context(), addr, nil); !errors.As(err, &wrong) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestDialErrors(t *testing.T) {
	var missing *NoSocketError
	dead := filepath.Join(t.TempDir(), "file")
	if _, err := Dial(t.Context(), Address{Network: "unix", Path: dead}, nil); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var refused *DialError
	if _, err := Dial(t.Context(), Address{Network: "unix", Path: dead}, nil); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// The end of the context ends whatever the session is doing.
func TestContextEndsASession(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		say(t, c, "Receptor Control, node foo\n")
		_, _ = io.Copy(io.Discard, c) // never answers
	})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Dial(ctx, addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := s.Command("status"); err == nil {
		t.Error("an answer from nowhere")
	}
}

func TestQuestionsAheadTravelWithTheCommand(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		say(t, c, "Receptor Control, node foo\n")
		both := make([]byte, len("one\ntwo\n")) // nothing is answered before both are there
		if _, err := io.ReadFull(c, both); err != nil || string(both) != "one\ntwo\n" {
			t.Errorf("server: got %q, %v", both, err)
		}
		say(t, c, "ERROR: not that\n\n{\"n\":2}\n")
	})
	s := open(t, addr)
	var ahead error
	s.Ahead("one", func(_ json.RawMessage, err error) { ahead = err })
	reply, err := s.Command("two")
	if err != nil || string(reply) != `{"n":2}` {
		t.Errorf("got %s, %v", reply, err)
	}
	if ahead == nil || ahead.Error() != "not that" {
		t.Errorf("ahead: got %v", ahead)
	}
}

type transcripts struct {
	Transcripts []struct {
		Name  string
		Steps []struct{ Dir, Text string }
	}
}

// Every recorded status dialogue, line by line.
func TestRecordedStatusDialogues(t *testing.T) {
	var all transcripts
	read(t, "testdata/control-status.json", &all)
	for _, tr := range all.Transcripts {
		for i := 1; i+1 < len(tr.Steps); i++ {
			ask, answer := tr.Steps[i], tr.Steps[i+1]
			if ask.Dir != "c2s" || answer.Dir != "s2c" || !strings.HasSuffix(ask.Text, "\n") {
				continue
			}
			addr := serve(t, func(c net.Conn) {
				say(t, c, tr.Steps[0].Text)
				if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != ask.Text {
					t.Errorf("%s: server got %q, %v", tr.Name, line, err)
				}
				say(t, c, answer.Text)
			})
			s := open(t, addr)
			reply, err := s.Command(strings.TrimSuffix(ask.Text, "\n"))
			if got := string(reply) + "\n"; err == nil && got != answer.Text {
				t.Errorf("%s: got %q", tr.Name, got)
			}
			if err != nil && "ERROR: "+err.Error()+"\n" != answer.Text {
				t.Errorf("%s: got %v, want %q", tr.Name, err, answer.Text)
			}
			if banner := "Receptor Control, node " + s.Node() + "\n"; banner != tr.Steps[0].Text {
				t.Errorf("%s: took %q for the banner", tr.Name, banner)
			}
		}
	}
}

// Ours are the lines of the Python library, byte by byte.
func TestSubmissionsAreThoseOfThePythonLibrary(t *testing.T) {
	var all struct {
		Calls []struct {
			Wire []struct{ Dir, Text string }
		}
	}
	read(t, "testdata/control-python-library.json", &all)
	found := 0
	for _, call := range all.Calls {
		for _, step := range call.Wire {
			if step.Dir != "c2s" || !strings.HasPrefix(step.Text, `{"command": "work", "subcommand": "submit"`) {
				continue
			}
			found++
			want := strings.TrimSuffix(step.Text, "\n")
			if got, err := submissionFrom(t, want).line(); err != nil || got != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		}
	}
	if found == 0 {
		t.Error("no submission recorded")
	}
}

func submissionFrom(t *testing.T, line string) Submission {
	t.Helper()
	var members map[string]string
	if err := json.Unmarshal([]byte(line), &members); err != nil {
		t.Fatal(err)
	}
	q := Submission{Node: members["node"], WorkType: members["worktype"], TLS: members["tlsclient"],
		TTL: members["ttl"], Sign: members["signwork"] == "true"}
	for _, known := range []string{"command", "subcommand", "node", "worktype", "tlsclient", "ttl", "signwork"} {
		delete(members, known)
	}
	for k, v := range members {
		q.Params = append(q.Params, Param{k, v})
	}
	slices.SortFunc(q.Params, func(a, b Param) int { return strings.Compare(a.Key, b.Key) }) // as they were recorded
	return q
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestTLSVerifiesUnlessTold(t *testing.T) {
	cert, file := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, func(c net.Conn) { say(t, c, "Receptor Control, node foo\n") })
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		trust TLS
		host  string
		ok    bool
	}{
		{TLS{}, host, false},
		{TLS{RootCAs: file}, host, true},
		{TLS{RootCAs: file}, "localhost", false}, // the certificate is for the address
		{TLS{SkipVerify: true}, "localhost", true},
	} {
		cfg, err := c.trust.Config()
		if err != nil {
			t.Fatal(err)
		}
		s, err := Dial(t.Context(), Address{Network: "tcp", Host: c.host, Port: port, TLS: true}, cfg)
		if (err == nil) != c.ok {
			t.Errorf("%+v on %s: got %v", c.trust, c.host, err)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestTLSFilesThatAreNoneAreNamed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []TLS{{RootCAs: "/nowhere"}, {RootCAs: empty}, {Cert: empty}, {Cert: empty, Key: empty}} {
		if _, err := wrong.Config(); err == nil {
			t.Errorf("%+v was accepted", wrong)
		}
	}
}

// selfSigned is a certificate for 127.0.0.1, and the file it is in.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
