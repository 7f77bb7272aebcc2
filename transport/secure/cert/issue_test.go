package cert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var year = Validity{someDay, someDay.AddDate(1, 0, 0)}

// authority is a CA to sign with.
func authority(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(must(NewCA(rand.Reader, key, "Test CA", Validity{someDay, someDay.AddDate(10, 0, 0)})))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(t *testing.T, key crypto.Signer, n Names) *x509.CertificateRequest {
	t.Helper()
	der, err := NewRequest(rand.Reader, key, "foo cert", n)
	if err != nil {
		t.Fatal(err)
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var allNames = Names{
	DNS: []string{"localhost"}, IP: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("2001:db8::1")},
	NodeIDs: []string{"foo", strings.Repeat("n", 200)},
}

func TestSign(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		ca, node    crypto.Signer
		algorithm   x509.SignatureAlgorithm
		description string
	}{
		{"rsa by rsa", rsaKey, rsaKey, x509.SHA256WithRSA, "RSA (2048 bits)\n  Signature Algorithm: SHA256-RSA"},
		{"ecdsa by rsa", rsaKey, ecKey, x509.SHA256WithRSA, "ECDSA\n  Signature Algorithm: ECDSA-SHA256"},
		{"rsa by ecdsa", ecKey, rsaKey, x509.ECDSAWithSHA256, "RSA (2048 bits)\n  Signature Algorithm: SHA256-RSA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca, r := authority(t, c.ca), request(t, c.node, allNames)
			leaf, err := x509.ParseCertificate(must(Sign(rand.Reader, r, ca, c.ca, year)))
			if err != nil {
				t.Fatal(err)
			}
			checkLeaf(t, leaf, r, ca)
			if leaf.SignatureAlgorithm != c.algorithm {
				t.Errorf("signed with %s", leaf.SignatureAlgorithm)
			}
			text := must(Describe(r))
			for _, want := range []string{"  Subject: CN=foo cert\n", c.description, "    DNS Name: localhost\n    IP Address: 127.0.0.1\n",
				"    IP Address: 2001:db8::1\n    Receptor Node ID: foo\n"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
		})
	}
}

func checkLeaf(t *testing.T, leaf *x509.Certificate, r *x509.CertificateRequest, ca *x509.Certificate) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, usage := range bothEnds {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: someDay.Add(time.Hour)}); err != nil {
			t.Error(err)
		}
	}
	at := slices.IndexFunc(leaf.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidAltName) })
	if at < 0 || leaf.Extensions[at].Critical || !bytes.Equal(leaf.Extensions[at].Value, must(allNames.Extension()).Value) {
		t.Error("the names are not those of the request")
	}
	ids, err := NodeIDs(leaf)
	if err != nil || !slices.Equal(ids, allNames.NodeIDs) {
		t.Errorf("node IDs %v, %v", ids, err)
	}
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature || leaf.SerialNumber.BitLen() < 100 ||
		!bytes.Equal(leaf.AuthorityKeyId, ca.SubjectKeyId) || !bytes.Equal(leaf.RawSubject, r.RawSubject) ||
		!leaf.NotBefore.Equal(year.NotBefore) || !leaf.NotAfter.Equal(year.NotAfter) {
		t.Errorf("unexpected certificate: %+v", leaf)
	}
}

func TestNewCA(t *testing.T) {
	ca := authority(t, ecKey)
	if !ca.IsCA || ca.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign || len(ca.SubjectKeyId) == 0 ||
		ca.Subject.String() != "CN=Test CA" || !slices.Equal(ca.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}) {
		t.Errorf("unexpected authority: %+v", ca)
	}
	if other := authority(t, ecKey); other.SerialNumber.Cmp(ca.SerialNumber) == 0 {
		t.Error("two authorities share a serial number")
	}
}

func TestRefusesToSign(t *testing.T) {
	ca, good := authority(t, ecKey), request(t, ecKey, allNames)
	otherKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := *good
	forged.RawTBSCertificateRequest = bytes.Replace(good.RawTBSCertificateRequest, []byte("foo cert"), []byte("bar cert"), 1)
	broken := *good
	broken.Extensions = []pkix.Extension{{Id: oidAltName, Value: []byte{1}}}
	leaf := must(x509.ParseCertificate(must(Sign(rand.Reader, good, ca, ecKey, year))))
	for _, c := range []struct {
		name string
		r    *x509.CertificateRequest
		ca   *x509.Certificate
		key  crypto.Signer
		want string
	}{
		{"no names", request(t, ecKey, Names{}), ca, ecKey, "cannot sign: no names found in certificate"},
		{"forged", &forged, ca, ecKey, "cannot sign: the request is not signed by its own key: x509: ECDSA verification failure"},
		{"broken names", &broken, ca, ecKey, "cannot sign: malformed subject alternative names"},
		{"key of another", good, ca, otherKey, "x509: provided PrivateKey doesn't match parent's PublicKey"},
		{"no authority", good, leaf, ecKey, "cannot sign: CN=foo cert is not a certificate authority"},
	} {
		if _, err := Sign(rand.Reader, c.r, c.ca, c.key, year); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRequestAlwaysHasNames(t *testing.T) {
	r := request(t, ecKey, Names{})
	if !slices.ContainsFunc(r.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidAltName) }) {
		t.Error("no extension")
	}
}

func TestDescriptionCannotDraw(t *testing.T) {
	r := request(t, ecKey, Names{NodeIDs: []string{"a\n    DNS Name: harmless\x1b[2J"}})
	text := must(Describe(r))
	if strings.Contains(text, "\x1b") || strings.Contains(text, "\n    DNS Name") {
		t.Errorf("%q", text)
	}
}

func TestParseValidity(t *testing.T) {
	v, err := ParseValidity("", "", someDay, 10)
	if err != nil || !v.NotBefore.Equal(someDay) || !v.NotAfter.Equal(time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("%v, %v", v, err)
	}
	for _, c := range [][3]string{
		{"abc", "", `parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006" (notbefore is written like 2026-01-31T00:00:00Z)`},
		{"", "abc", `parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006" (notafter is written like 2026-01-31T00:00:00Z)`},
		{"", "2029-01-01T00:00:00Z", "certificate would never be valid: not before 2030-01-02T03:04:05Z, not after 2029-01-01T00:00:00Z"},
	} {
		if _, err := ParseValidity(c[0], c[1], someDay, 1); err == nil || err.Error() != c[2] {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestFingerprintIsOfTheWholeCertificate(t *testing.T) {
	sum := sha256.Sum256(caDER)
	if !Fingerprint(sum[:]).Matches(caDER) || Fingerprint(nil).Matches(caDER) {
		t.Error("fingerprints do not match")
	}
}
