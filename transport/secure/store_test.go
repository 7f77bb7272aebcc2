package secure

import (
	"crypto/tls"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"receptor/transport/secure/cert"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	return need(t, "read", text, err)
}

func TestErrorsAtStart(t *testing.T) {
	w, ca, _ := cast(t)
	w.issue(ca, "foo", cert.Names{NodeIDs: []string{"foo", "foo2"}})
	crt, key := w.path("foo.crt"), w.path("foo.key")
	secret := w.write("secret.key", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	w.write("both.pem", slices.Concat(readFile(t, key), readFile(t, crt)))
	sha1 := []string{strings.Repeat("ab", 20)}
	servers := []struct {
		opts ServerOptions
		want string
	}{
		{ServerOptions{}, "must provide a name"},
		{ServerOptions{Name: "s", Cert: "/x", Key: key}, "open /x: no such file or directory"},
		{ServerOptions{Name: "s", Cert: crt, Key: "/y"}, "open /y: no such file or directory"},
		{ServerOptions{Name: "s", Cert: crt, Key: w.path("alpha.key")}, "tls: private key does not match public key"},
		{ServerOptions{Name: "s", Cert: crt, Key: key, ClientCAs: "/x", SkipReceptorNamesCheck: true}, "error reading client CAs file: open /x: no such file or directory"},
		{ServerOptions{Name: "s", Cert: crt, Key: key, PinnedClientCert: []string{"xy"}}, "error decoding fingerprints: error decoding fingerprint"},
		{ServerOptions{Name: "s", Cert: crt, Key: key, PinnedClientCert: sha1}, "error decoding fingerprints: fingerprints must be 32 or 64 bytes for sha256 or sha512"},
		{ServerOptions{Name: "s", Cert: crt, Key: key}, "nodeID=bar not found in certificate name(s); names found=[foo foo2]; cfg section=s; server cert=" + crt},
		{ServerOptions{Name: "s", Cert: ca.file, Key: key, SkipReceptorNamesCheck: true}, "tls: private key does not match public key"},
		{ServerOptions{Name: "s", Cert: w.path("both.pem"), Key: key}, "failed to parse certfifcate PEM"},
		{ServerOptions{Name: "s", Cert: crt, Key: secret}, "tls: failed to parse private key: " + secret + " is encrypted, and nobody is there to ask for the passphrase (openssl pkey takes it off)"},
		{ServerOptions{Name: "s", Cert: "/dev/zero", Key: key}, "read /dev/zero: more than 16 MiB: is it the right file?"},
		{ServerOptions{Name: "s", Cert: crt, Key: key, SkipReceptorNamesCheck: true}, ""},
	}
	store := w.store("bar")
	for _, c := range servers {
		check(t, store.AddServer(c.opts), "error preparing tls server config: ", c.want)
	}
	clients := []struct {
		opts ClientOptions
		want string
	}{
		{ClientOptions{}, "must provide a name"},
		{ClientOptions{Name: "c", Cert: crt}, "cert and key must both be supplied or neither"},
		{ClientOptions{Name: "c", Key: key}, "cert and key must both be supplied or neither"},
		{ClientOptions{Name: "c", Cert: "/x", Key: key}, "open /x: no such file or directory"},
		{ClientOptions{Name: "c", RootCAs: "/x"}, "error reading root CAs file: open /x: no such file or directory"},
		{ClientOptions{Name: "c", PinnedServerCert: sha1}, "error decoding fingerprints: fingerprints must be 32 or 64 bytes for sha256 or sha512"},
		{ClientOptions{Name: "c", Cert: crt, Key: key}, "nodeID=bar not found in certificate name(s); names found=[foo foo2]; cfg section=c; server cert=" + crt},
		{ClientOptions{Name: "c", Cert: crt, Key: key, SkipReceptorNamesCheck: true}, ""},
		{ClientOptions{Name: "c"}, ""},
	}
	for _, c := range clients {
		check(t, store.AddClient(c.opts), "error preparing tls client config: ", c.want)
	}
}

func check(t *testing.T, err error, prefix, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || err.Error() != prefix+want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNames(t *testing.T) {
	store := newWorld(t).store("bar")
	if s, err := store.Server(""); s != nil || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	if c, err := store.Client(DefaultClient); c == nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := store.Server("nope"); err == nil || err.Error() != "unknown TLS config nope" {
		t.Error(err)
	}
	if _, err := store.Client("nope"); err == nil || err.Error() != "unknown TLS config nope" {
		t.Error(err)
	}
	if got := store.Certificates(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	store.Check()
}

func TestWarningsAtStart(t *testing.T) {
	w, ca, _ := cast(t)
	w.server("alpha", ServerOptions{})
	w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: ca.file, PinnedClientCert: []string{strings.Repeat("00", 32)}})
	if w.log.text.Len() > 0 {
		t.Errorf("warned of nothing: %s", &w.log.text)
	}
	w.server("alpha", ServerOptions{PinnedClientCert: []string{strings.Repeat("00", 32)}})
	if w.log.count("pinnedclientcert has no effect without requireclientcert") != 1 {
		t.Error("no warning of pins without effect")
	}
	w.server("alpha", ServerOptions{ClientCAs: w.write("nothing", nil)})
	if w.log.count("no certificate in the file") != 1 {
		t.Error("no warning of an empty CA file")
	}
}

// shown is the certificate that a new connection to the server gets to see.
func shown(t *testing.T, server *Server, client *Client) string {
	t.Helper()
	m := meet(t, server.Link(), client.Link("localhost"))
	if m.client != nil {
		t.Fatal(m.client)
	}
	return m.clientState.PeerCertificates[0].Subject.CommonName + " " + m.clientState.PeerCertificates[0].SerialNumber.String()
}

func TestChangedFilesAreReadAgain(t *testing.T) {
	w, ca, _ := cast(t)
	server := w.server("alpha", ServerOptions{})
	client := w.client("", ClientOptions{RootCAs: ca.file})
	link := w.openLink(server, client)
	first := shown(t, server, client)

	w.issue(ca, "alpha", hostAndNode("alpha"))
	if shown(t, server, client) != first {
		t.Error("files are looked at more than once a second")
	}
	w.advance(time.Second)
	second := shown(t, server, client)
	if second == first || w.log.count("certificate files read again") != 1 {
		t.Error("the new certificate is not used")
	}
	for name, spoil := range map[string]func(){
		"key of another":    func() { w.write("alpha.key", readFile(t, w.path("beta.key"))) },
		"no certificate":    func() { w.write("alpha.crt", []byte("oops")) },
		"file is gone":      func() { need(t, "remove", 0, os.Remove(w.path("alpha.crt"))) },
		"name of another":   func() { w.issue(ca, "alpha", hostAndNode("beta")) },
		"malformed content": func() { w.write("alpha.crt", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")) },
	} {
		before := w.log.count("the old ones stay")
		spoil()
		for range 3 {
			w.advance(time.Minute)
			if shown(t, server, client) != second {
				t.Errorf("%s: the old certificate is gone", name)
			}
		}
		if got := w.log.count("the old ones stay") - before; got != 1 {
			t.Errorf("%s: logged %d times", name, got)
		}
	}
	w.issue(ca, "alpha", hostAndNode("alpha"))
	w.advance(time.Minute)
	if shown(t, server, client) == second {
		t.Error("a good file after bad ones is not used")
	}
	link(t)
}

// openLink opens a connection and returns a function that proves it is still
// there, and closes it.
func (w *world) openLink(server *Server, client *Client) func(*testing.T) {
	w.t.Helper()
	near, far := net.Pipe()
	s, c := tls.Server(near, server.Link()), tls.Client(far, client.Link("localhost"))
	var up sync.WaitGroup
	up.Go(func() {
		if _, err := s.Write([]byte("a")); err != nil {
			w.t.Error(err)
		}
	})
	buf := make([]byte, 1)
	if _, err := c.Read(buf); err != nil {
		w.t.Fatal(err)
	}
	up.Wait()
	return func(t *testing.T) {
		t.Helper()
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := s.Write([]byte("b")); err != nil {
				t.Error(err)
			}
		})
		if _, err := c.Read(buf); err != nil || buf[0] != 'b' {
			t.Errorf("the link was dropped: %v", err)
		}
		both.Wait()
		near.Close()
		far.Close()
	}
}

func TestClientFilesAreReadAgain(t *testing.T) {
	w, ca, other := cast(t)
	server := w.server("stranger", ServerOptions{RequireClientCert: true, ClientCAs: ca.file})
	w.write("roots", readFile(t, ca.file))
	client := w.client("late", ClientOptions{RootCAs: w.path("roots")})
	refused(t, meet(t, server.Link(), client.Link("localhost")).client, WrongCA, "")
	w.write("roots", readFile(t, other.file))
	w.advance(time.Second)
	refused(t, meet(t, server.Link(), client.Link("localhost")).server, Expired, "")
	w.issue(ca, "late", hostAndNode("late"))
	w.advance(time.Second)
	m := meet(t, server.Link(), client.Link("localhost"))
	if m.client != nil || m.server != nil {
		t.Errorf("%v, %v", m.client, m.server)
	}
}

// Files that are written while somebody looks are not believed before they are whole.
func TestHalfWrittenFilesAreWaitedFor(t *testing.T) {
	w, ca, other := cast(t)
	bundle := slices.Concat(readFile(t, ca.file), readFile(t, other.file))
	roots := w.write("roots", bundle)
	server := w.server("alpha", ServerOptions{RequireClientCert: true, ClientCAs: roots})
	client := w.client("beta", ClientOptions{RootCAs: ca.file})
	own := readFile(t, w.path("alpha.crt"))
	works := func(t *testing.T) {
		t.Helper()
		w.advance(time.Second)
		if m := meet(t, server.Link(), client.Link("localhost")); m.client != nil || m.server != nil {
			t.Errorf("%v, %v", m.client, m.server)
		}
	}
	for name, spoil := range map[string]func(){
		"no authority":         func() { w.write("roots", nil) },
		"half an authority":    func() { w.write("roots", bundle[:100]) },
		"one and a half":       func() { w.write("roots", bundle[:len(bundle)-30]) },
		"half of our own":      func() { w.write("alpha.crt", own[:100]) },
		"half of a longer one": func() { w.write("alpha.crt", slices.Concat(own, bundle[:100])) },
	} {
		t.Run(name, func(t *testing.T) {
			before, again := w.log.count("the old ones stay"), w.log.count("read again")
			spoil()
			works(t)
			works(t)
			if got := w.log.count("the old ones stay") - before; got != 1 {
				t.Errorf("logged %d times", got)
			}
			w.write("roots", bundle)
			w.write("alpha.crt", own)
			works(t)
			if got := w.log.count("read again") - again; got != 1 {
				t.Errorf("whole files were read %d times", got)
			}
		})
	}
}

// What can't be read for a while is read when it can, though nothing of it changes.
func TestFilesThatCannotBeReadAreTriedAgain(t *testing.T) {
	w, ca, _ := cast(t)
	server := w.server("alpha", ServerOptions{})
	client := w.client("", ClientOptions{RootCAs: ca.file})
	first := shown(t, server, client)
	w.issue(ca, "alpha", hostAndNode("alpha"))
	w.advance(time.Second)
	withoutFiles(t, server.files.visit)
	if shown(t, server, client) != first || w.log.count("too many open files") != 1 {
		t.Error("files were read without a file descriptor")
	}
	w.advance(time.Second)
	if shown(t, server, client) == first {
		t.Error("the new certificate is not used")
	}
}

// withoutFiles does something while no file can be opened.
func withoutFiles(t *testing.T, do func()) {
	t.Helper()
	var limit syscall.Rlimit
	need(t, "ask for the limit", 0, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 0
	need(t, "set the limit", 0, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	defer func() { need(t, "lift the limit", 0, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) }()
	do()
}

func TestManyHandshakesDuringReload(t *testing.T) {
	w, ca, _ := cast(t)
	store := w.store("alpha")
	if err := store.AddServer(ServerOptions{Name: "s", Cert: w.path("alpha.crt"), Key: w.path("alpha.key")}); err != nil {
		t.Fatal(err)
	}
	server, err := store.Server("s")
	need(t, "find", server, err)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				if server.files.certificate().Leaf.Subject.CommonName != "alpha" {
					t.Error("half a certificate")
				}
				store.Check()
				store.Certificates()
			}
		})
	}
	for range 10 {
		w.issue(ca, "alpha", hostAndNode("alpha"))
		w.advance(time.Second)
	}
	all.Wait()
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("ca")
	w.issueUntil(ca, "alpha", hostAndNode("alpha"), w.clock().Add(31*24*time.Hour))
	store := w.store("alpha")
	opts := ServerOptions{Name: "s", Cert: w.path("alpha.crt"), Key: w.path("alpha.key")}
	if err := store.AddServer(opts); err != nil {
		t.Fatal(err)
	}
	step := func(d time.Duration, soon, expired int) {
		t.Helper()
		w.advance(d)
		store.Check()
		if got := w.log.count("certificate expires soon"); got != soon {
			t.Errorf("warned %d times, want %d", got, soon)
		}
		if got := w.log.count("certificate has expired"); got != expired {
			t.Errorf("told of the end %d times, want %d", got, expired)
		}
	}
	step(0, 0, 0)
	step(25*time.Hour, 1, 0)
	step(time.Hour, 1, 0)
	step(24*time.Hour, 2, 0)
	list := store.Certificates()
	if len(list) != 1 || list[0].Config != "tls-server s" || list[0].File != opts.Cert || list[0].Subject != "CN=alpha" || !list[0].Soon {
		t.Errorf("%+v", list)
	}
	step(28*24*time.Hour, 3, 0)
	step(22*time.Hour, 3, 1) // at its end, though it was told of less than a day ago
	step(time.Hour, 3, 1)
	step(24*time.Hour, 3, 2)
	w.issue(ca, "alpha", hostAndNode("alpha"))
	step(24*time.Hour, 3, 2)
	if list := store.Certificates(); list[0].Soon {
		t.Errorf("%+v", list)
	}
}
