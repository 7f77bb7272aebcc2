package secure

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"os"
	"testing"
	"time"

	"receptor/transport/secure/cert"
)

// Names that are node IDs may be marked critical; nothing else that nobody here knows.
func TestCriticalExtensions(t *testing.T) {
	w, ca, _ := cast(t)
	ids, err := cert.Names{NodeIDs: []string{"delta"}}.Extension()
	need(t, "names", ids, err)
	ids.Critical = true
	foreign := pkix.Extension{Id: ids.Id, Critical: true, Value: []byte("\x30\x08\xa0\x06\x06\x01\x2a\xa0\x01\x05")}
	unknown := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}
	trust := w.client("alpha", ClientOptions{RootCAs: ca.file}).files
	for name, c := range map[string]struct {
		extensions []pkix.Extension
		want       Failure
	}{
		"node IDs":               {[]pkix.Extension{ids}, ""},
		"other names":            {[]pkix.Extension{foreign}, Unusable},
		"node IDs, another kind": {[]pkix.Extension{ids, unknown}, Unusable},
	} {
		key := w.key()
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(8), NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, ExtraExtensions: c.extensions,
		}, ca.cert, key.Public(), ca.key)
		need(t, "sign", der, err)
		leaf, err := x509.ParseCertificate(der)
		need(t, "parse", leaf, err)
		v := verifier{role: "server", trust: trust, now: w.clock, usage: x509.ExtKeyUsageServerAuth, byNode: true, node: "delta"}
		t.Run(name, func(t *testing.T) {
			refused(t, v.check(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}), c.want, "")
		})
	}
}

func TestFailureOf(t *testing.T) {
	invalid := func(reason x509.InvalidReason) error { return x509.CertificateInvalidError{Reason: reason} }
	for _, c := range []struct {
		err  error
		want Failure
	}{
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, WrongName},
		{x509.UnknownAuthorityError{}, WrongCA},
		{x509.SystemRootsError{}, WrongCA},
		{invalid(x509.Expired), Expired},
		{invalid(x509.IncompatibleUsage), WrongUsage},
		{invalid(x509.TooManyIntermediates), Unusable},
		{x509.UnhandledCriticalExtension{}, Unusable},
	} {
		if got := failureOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	cause := invalid(x509.Expired)
	if err := error(&VerifyError{Failure: Expired, Err: cause}); !errors.Is(err, cause) {
		t.Errorf("%v hides its cause", err)
	}
}

// A file has changed if anything of it has, whoever wrote it and how.
func TestWhatIsAChange(t *testing.T) {
	w := newWorld(t)
	path := w.write("a", []byte("one"))
	f := files{cert: path}
	at := time.Now().Add(-time.Hour)
	stamp := func(at time.Time) { need(t, "stamp", 0, os.Chtimes(path, at, at)) }
	stamp(at)
	for _, c := range []struct {
		name string
		do   func()
		same bool
	}{
		{"nothing", func() {}, true},
		{"it was read", func() { readFile(t, path) }, true},
		{"another time", func() { stamp(at.Add(time.Minute)) }, false},
		{"another file, all else the same", func() { w.write("a", []byte("two")); stamp(at.Add(time.Minute)) }, false},
		{"another size", func() {
			need(t, "write", 0, os.WriteFile(path, []byte("three"), 0o600))
			stamp(at.Add(time.Minute))
		}, false},
		{"other rights", func() { need(t, "change", 0, os.Chmod(path, 0o400)) }, false},
		{"it is gone", func() { need(t, "remove", 0, os.Remove(path)) }, false},
		{"it stays away", func() {}, true},
		{"it is back", func() { w.write("a", []byte("three")) }, false},
	} {
		before := f.stat()
		c.do()
		if got := f.stat().same(before); got != c.same {
			t.Errorf("%s: the same %v, want %v", c.name, got, c.same)
		}
	}
}
