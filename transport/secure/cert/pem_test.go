package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	ecKey   = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	someDay = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	caDER   = must(NewCA(rand.Reader, ecKey, "Test CA", Validity{someDay, someDay.AddDate(10, 0, 0)}))
)

func block(kind string, der []byte) string { return string(encode(kind, der)) }

func TestFilesWithOneItem(t *testing.T) {
	key := string(must(EncodeKey(ecKey)))
	sec1 := block(pemECKey, must(x509.MarshalECPrivateKey(ecKey)))
	public := block(pemPublicKey, must(x509.MarshalPKIXPublicKey(ecKey.Public())))
	ca := block(pemCertificate, caDER)
	request := block(pemRequest, must(NewRequest(rand.Reader, ecKey, "x", Names{NodeIDs: []string{"x"}})))

	readCert := func(b []byte) error { _, err := ReadCertificate(b); return err }
	readRequest := func(b []byte) error { _, err := ReadRequest(b); return err }
	readKey := func(b []byte) error { _, err := ReadKey(b); return err }
	readPublic := func(b []byte) error { _, err := ReadPublicKey(b); return err }
	findKey := func(b []byte) error { _, err := FindKey(b, "f.pem"); return err }
	cases := []struct {
		name string
		read func([]byte) error
		text string
		want string // of the error
	}{
		{"certificate", readCert, ca, ""},
		{"text before", readCert, "Subject: x\n" + ca, ""},
		{"lines behind", readCert, ca + "\n\n", ""},
		{"text behind", readCert, ca + "x", "failed to decode PEM block"},
		{"no block", readCert, "hello", "failed to decode PEM block"},
		{"empty", readCert, "", "certificate file should contain exactly one item"},
		{"two", readCert, ca + ca, "certificate file should contain exactly one item"},
		{"not a certificate", readCert, key, "certificate file does not contain certificate data"},
		{"request", readRequest, request, ""},
		{"two requests", readRequest, request + request, "certificate request file should contain exactly one item"},
		{"not a request", readRequest, ca, "certificate request file does not contain certificate request data"},
		{"key", readKey, key, ""},
		{"key of openssl", readKey, block(pemECParams, []byte{6, 1, 1}) + sec1, ""},
		{"encrypted key", readKey, block("ENCRYPTED PRIVATE KEY", []byte{1}), "the key is encrypted (openssl pkey takes the passphrase off)"},
		{"key encrypted the old way", findKey, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
			"f.pem: the key is encrypted (openssl pkey takes the passphrase off)"},
		{"two keys", readKey, key + key, "private key file should contain exactly one item"},
		{"not a key", readKey, ca, "private key file does not contain private key data"},
		{"public key", readPublic, public, ""},
		{"two public keys", readPublic, public + public, "public key file should contain exactly one item"},
		{"not a public key", readPublic, ca, "public key file does not contain public key data"},
		{"unknown", readKey, block("DSA PRIVATE KEY", nil), "unknown block type DSA PRIVATE KEY"},
		{"find", findKey, ca + key + request, ""},
		{"find none", findKey, ca, "no private keys in file f.pem"},
		{"find two", findKey, key + sec1, "multiple private keys in file f.pem"},
		{"broken", readCert, block(pemCertificate, []byte{1}), "x509: malformed certificate"},
	}
	for _, c := range cases {
		err := c.read([]byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestKeysKeepTheirFormat(t *testing.T) {
	for kind, want := range map[Kind]string{RSA: pemRSAKey, ECDSA: pemKey} {
		key := must(NewKey(rand.Reader, kind, 0))
		text := must(EncodeKey(key))
		if b, _ := pem.Decode(text); b.Type != want {
			t.Errorf("%s is a %s", kind, b.Type)
		}
		again, err := ReadKey(text)
		if err != nil || !reflect.DeepEqual(again.Public(), key.Public()) {
			t.Errorf("%s: %v", kind, err)
		}
		if !HoldsKey(text) || HoldsKey([]byte(block(pemPublicKey, nil))) {
			t.Errorf("%s: a key is not known for one", kind)
		}
	}
}

func TestNewKey(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		bits int
		want string
	}{
		{ECDSA, 384, ""},
		{ECDSA, 521, ""},
		{ECDSA, 2048, "an ECDSA key can't have 2048 bits (256, 384 or 521)"},
		{RSA, -1, "an RSA key can't have -1 bits (at most 16384)"},
		{RSA, 204800, "an RSA key can't have 204800 bits (at most 16384)"},
	} {
		_, err := NewKey(rand.Reader, c.kind, c.bits)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s %d: %v", c.kind, c.bits, err)
		}
	}
	if kind, err := ParseKind("EcDSA"); kind != ECDSA || err != nil {
		t.Errorf("%v, %v", kind, err)
	}
	if kind, err := ParseKind(""); kind != RSA || err != nil {
		t.Errorf("%s, %v", kind, err)
	}
	if _, err := ParseKind("dsa"); err == nil || err.Error() != "unknown key type dsa (known: rsa, ecdsa)" {
		t.Errorf("%v", err)
	}
}

func TestFirstCertificate(t *testing.T) {
	ca, key := block(pemCertificate, caDER), string(must(EncodeKey(ecKey)))
	if c, err := FirstCertificate([]byte(ca + key)); err != nil || c.Subject.CommonName != "Test CA" {
		t.Errorf("%v", err)
	}
	for _, text := range []string{key + ca, "", "hello"} {
		if _, err := FirstCertificate([]byte(text)); err == nil || err.Error() != "failed to parse certfifcate PEM" {
			t.Errorf("%v", err)
		}
	}
	if got := Certificates([]byte("# bundle\n" + ca + key + block(pemCertificate, []byte{1}) + ca)); len(got) != 2 {
		t.Errorf("%d certificates", len(got))
	}
}

func FuzzPEM(f *testing.F) {
	key := string(must(EncodeKey(ecKey)))
	f.Add(key)
	f.Add(block(pemCertificate, caDER) + key)
	f.Add("x" + block(pemECParams, nil) + block(pemPublicKey, nil))
	f.Fuzz(func(t *testing.T, text string) {
		data := []byte(text)
		certs := Certificates(data)
		if items, err := parsePEM(data); err == nil && len(items) < len(certs) {
			t.Errorf("%d items with %d certificates in them", len(items), len(certs))
		}
		if key, err := FindKey(data, "f"); err == nil && !HoldsKey(data) {
			t.Errorf("%T out of %q", key, text)
		}
		if c, err := FirstCertificate(data); err == nil {
			if _, err := NodeIDs(c); err != nil {
				return
			}
		}
	})
}
