package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"receptor/transport/secure/cert"
)

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// desk is a folder with a terminal beside it.
type desk struct {
	t   *testing.T
	dir string
	out bytes.Buffer
}

func newDesk(t *testing.T) *desk { return &desk{t: t, dir: t.TempDir()} }

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) env(answer string) Env {
	d.out.Reset()
	return Env{Now: func() time.Time { return noon }, Random: rand.Reader, In: strings.NewReader(answer), Out: &d.out}
}

func (d *desk) run(command interface{ Run(Env) error }) {
	d.t.Helper()
	if err := command.Run(d.env("")); err != nil {
		d.t.Fatalf("%+v: %v", command, err)
	}
}

func (d *desk) fails(command interface{ Run(Env) error }, want string) {
	d.t.Helper()
	if err := command.Run(d.env("")); err == nil || strings.ReplaceAll(err.Error(), d.dir+"/", "") != want {
		d.t.Errorf("%+v:\n got %v\nwant %s", command, err, want)
	}
}

func (d *desk) read(name string) []byte {
	d.t.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

func (d *desk) certificate(name string) *x509.Certificate {
	d.t.Helper()
	c, err := cert.ReadCertificate(d.read(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o640); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) init(kind string) Init {
	return Init{CommonName: "Test CA", KeyType: kind, OutCert: d.path("ca.crt"), OutKey: d.path("ca.key")}
}

func (d *desk) makeReq(kind string) MakeReq {
	return MakeReq{CommonName: "foo cert", KeyType: kind, Bits: map[string]int{"rsa": 2048, "ecdsa": 256}[kind],
		DNSName: []string{"localhost"}, IPAddress: []string{"127.0.0.1"}, NodeID: []string{"foo"},
		OutReq: d.path("foo.req"), OutKey: d.path("foo.key")}
}

func (d *desk) signReq() SignReq {
	return SignReq{Req: d.path("foo.req"), CACert: d.path("ca.crt"), CAKey: d.path("ca.key"), OutCert: d.path("foo.crt"), Verify: true}
}

func TestFromAuthorityToCertificate(t *testing.T) {
	for _, ca := range []string{"rsa", "ecdsa"} {
		for _, node := range []string{"rsa", "ecdsa"} {
			t.Run(node+" by "+ca, func(t *testing.T) {
				d := newDesk(t)
				d.run(d.init(ca))
				d.run(d.makeReq(node))
				d.run(d.signReq())
				if d.out.Len() > 0 {
					t.Errorf("said %q", d.out.String())
				}
				roots := x509.NewCertPool()
				roots.AddCert(d.certificate("ca.crt"))
				leaf := d.certificate("foo.crt")
				if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost", CurrentTime: noon.AddDate(0, 11, 0)}); err != nil {
					t.Error(err)
				}
				if ids, err := cert.NodeIDs(leaf); err != nil || !slices.Equal(ids, []string{"foo"}) {
					t.Errorf("%v, %v", ids, err)
				}
				if !leaf.NotAfter.Equal(noon.AddDate(1, 0, 0)) || !d.certificate("ca.crt").NotAfter.Equal(noon.AddDate(10, 0, 0)) {
					t.Error("not good for as long as it should be")
				}
				for _, name := range []string{"ca.crt", "ca.key", "foo.req", "foo.key", "foo.crt"} {
					if info, err := os.Stat(d.path(name)); err != nil || info.Mode().Perm() != 0o600 {
						t.Errorf("%s: %v, %v", name, info.Mode(), err)
					}
				}
			})
		}
	}
}

func TestKeysAreOfTheKindAskedFor(t *testing.T) {
	d := newDesk(t)
	d.run(d.init(""))
	key, err := cert.ReadKey(d.read("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := key.(*rsa.PrivateKey); !ok || k.N.BitLen() != 2048 {
		t.Errorf("%T", key)
	}
	o := d.init("ECDSA")
	o.Bits, o.Force = 384, true
	d.run(o)
	if key, err = cert.ReadKey(d.read("ca.key")); err != nil {
		t.Fatal(err)
	}
	if k, ok := key.(*ecdsa.PrivateKey); !ok || k.Curve != elliptic.P384() {
		t.Errorf("%T", key)
	}
}

func TestRequestWithExistingKey(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	d.run(d.makeReq("ecdsa"))
	d.write("mixed.pem", string(d.read("ca.crt"))+string(d.read("foo.key")))
	o := d.makeReq("rsa")
	o.OutKey, o.InKey, o.Bits = "", d.path("mixed.pem"), 0
	d.run(o)
	r, err := cert.ReadRequest(d.read("foo.req"))
	if err != nil || r.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("%v", err)
	}
	o.InKey = d.path("ca.crt")
	d.fails(o, "no private keys in file ca.crt")
	d.write("two.pem", strings.Repeat(string(d.read("foo.key")), 2))
	o.InKey = d.path("two.pem")
	d.fails(o, "multiple private keys in file two.pem")
	o.InKey = d.path("nope")
	d.fails(o, "open nope: no such file or directory")
}

func TestRefusedParameters(t *testing.T) {
	d := newDesk(t)
	d.fails(Init{}, "must provide CommonName")
	o := d.init("dsa")
	d.fails(o, "unknown key type dsa (known: rsa, ecdsa)")
	o.KeyType, o.NotBefore = "ecdsa", "abc"
	d.fails(o, `parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006" (notbefore is written like 2026-01-31T00:00:00Z)`)
	o.NotBefore, o.OutCert = "", o.OutKey
	d.fails(o, "ca.key can't be two files at once")
	o.OutCert = d.path("no/ca.crt")
	d.fails(o, "open no/ca.crt: no such file or directory")

	for _, c := range []struct {
		change func(*MakeReq)
		want   string
	}{
		{func(o *MakeReq) { o.OutKey = "" }, "must provide either InKey or OutKey"},
		{func(o *MakeReq) { o.InKey = "x" }, "cannot use both InKey and OutKey"},
		{func(o *MakeReq) { o.InKey, o.OutKey = "x", "" }, "cannot specify key bits when reading an already-existing key"},
		{func(o *MakeReq) { o.Bits = 0 }, "must specify key bits when creating a new key"},
		{func(o *MakeReq) { o.KeyType = "dsa" }, "unknown key type dsa (known: rsa, ecdsa)"},
		{func(o *MakeReq) { o.IPAddress = []string{"999"} }, "invalid IP address: 999"},
		{func(o *MakeReq) { o.Bits = 100 }, "crypto/rsa: 100-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"},
	} {
		o := d.makeReq("rsa")
		c.change(&o)
		d.fails(o, c.want)
	}
	short := d.makeReq("ecdsa")
	short.Bits = 0
	d.run(short)
}

func TestRefusesToSign(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	d.run(d.makeReq("ecdsa"))
	s := d.signReq()
	s.Req = d.path("ca.crt")
	d.fails(s, "ca.crt: certificate request file does not contain certificate request data")
	s = d.signReq()
	s.CACert = d.path("ca.key")
	d.fails(s, "ca.key: certificate file does not contain certificate data")
	s = d.signReq()
	s.CAKey = d.path("foo.key")
	d.fails(s, "sign with certificate ca.crt and key foo.key: x509: provided PrivateKey doesn't match parent's PublicKey")
	s = d.signReq()
	s.NotAfter = "2001-01-01T00:00:00Z"
	d.fails(s, "certificate would never be valid: not before 2030-06-01T12:00:00Z, not after 2001-01-01T00:00:00Z")

	o := d.makeReq("ecdsa")
	o.DNSName, o.IPAddress, o.NodeID, o.Force = nil, nil, nil, true
	d.run(o)
	d.fails(d.signReq(), "cannot sign: no names found in certificate")
	if _, err := os.Stat(d.path("foo.crt")); err == nil {
		t.Error("a certificate came out of it")
	}
}

func TestQuestion(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	d.run(d.makeReq("rsa"))
	s := d.signReq()
	s.Verify = false
	const question = `Requested certificate:
  Subject: CN=foo cert
  Encryption Algorithm: RSA (2048 bits)
  Signature Algorithm: SHA256-RSA
  Names:
    DNS Name: localhost
    IP Address: 127.0.0.1
    Receptor Node ID: foo
Sign certificate (yes/no)? `
	for answer, want := range map[string]string{
		"yes\n": "", "Y\n": "", "YES": "", "no\n": "user declined", "yess\n": "user declined",
		"": "EOF (answer yes or no; with verify=yes nobody is asked)", "\n": "unexpected newline (answer yes or no; with verify=yes nobody is asked)", "yes please\n": "expected newline (answer yes or no; with verify=yes nobody is asked)",
	} {
		err := s.Run(d.env(answer))
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: %v, want %q", answer, err, want)
		}
		if d.out.String() != question {
			t.Errorf("asked %q", d.out.String())
		}
		_, err = os.Stat(d.path("foo.crt"))
		if (err == nil) != (want == "") {
			t.Errorf("%q: certificate: %v", answer, err)
		}
		if err == nil {
			if err := os.Remove(d.path("foo.crt")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestKeysAreNotWrittenOver(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	before := d.read("ca.crt")
	d.fails(d.init("ecdsa"), "not writing over ca.key: it exists; give force=true to do it all the same")
	if !bytes.Equal(before, d.read("ca.crt")) {
		t.Error("the certificate was written all the same")
	}
	o := d.makeReq("ecdsa")
	o.OutReq = d.path("ca.key")
	d.fails(o, "not writing over ca.key: it holds a private key; give force=true to do it all the same")
	forced := d.init("ecdsa")
	forced.Force = true
	d.run(forced)
	if bytes.Equal(before, d.read("ca.crt")) {
		t.Error("force did not")
	}
}

// A slip of the finger must not take away the authority's certificate.
func TestInputsAreNotWrittenOver(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	d.run(d.makeReq("ecdsa"))
	before := string(d.read("ca.crt"))
	for _, in := range []string{"ca.crt", "foo.req"} {
		s := d.signReq()
		s.OutCert = d.path("x/../" + in)
		d.fails(s, "not writing over "+in+": it is what the certificate is made from; give force=true to do it all the same")
	}
	if string(d.read("ca.crt")) != before {
		t.Error("another certificate")
	}
}

func TestOtherFilesAreWrittenOver(t *testing.T) {
	d := newDesk(t)
	d.write("ca.key", "") // made by mktemp
	d.write("ca.crt", "an old certificate, longer than what comes? no matter")
	d.run(d.init("ecdsa"))
	if block, rest := pem.Decode(d.read("ca.crt")); block == nil || len(rest) > 0 {
		t.Error("not a certificate")
	}
	if info, err := os.Stat(d.path("ca.crt")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode of an existing file: %v, %v", info.Mode(), err)
	}
}
