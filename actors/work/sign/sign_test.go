package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Every token of the recording is accepted or refused here with the same words.
func TestRecordedTokens(t *testing.T) {
	var recording struct {
		Key         string `json:"test_public_key_pkix"`
		Transcripts []struct {
			Name, Transport string
			Steps           []struct{ Dir, Text string }
		}
	}
	text, err := os.ReadFile("testdata/control-work-signing.json")
	if err == nil {
		err = json.Unmarshal(text, &recording)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := &Verifier{PublicKeyFile: filepath.Join(t.TempDir(), "public.pem")}
	if err := os.WriteFile(v.PublicKeyFile, []byte(recording.Key), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, tr := range recording.Transcripts {
		for i, s := range tr.Steps {
			var m struct{ WorkType, Signature, Subcommand string }
			if tr.Transport != "tcp" || s.Dir != "c2s" || json.Unmarshal([]byte(s.Text), &m) != nil || m.WorkType == "cat" {
				continue
			}
			n++
			want, refused := strings.CutPrefix(strings.TrimSpace(tr.Steps[i+1].Text), "ERROR: ")
			got := ""
			if err := v.Verify(m.Signature, "foo", recordedAt(m.Signature, want)); err != nil {
				got = err.Error()
			}
			if !refused {
				want = ""
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", tr.Name, got, want)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d tokens were checked", n)
	}
}

// recordedAt is when the recording was made; for the token that was late then it
// is derived from the answer.
func recordedAt(token, answer string) time.Time {
	_, late, ok := strings.Cut(answer, "token is expired by ")
	var claims struct{ Exp int64 }
	if !ok {
		return noon
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	by, err2 := time.ParseDuration(late)
	if err != nil || err2 != nil {
		return noon
	}
	return time.Unix(claims.Exp, 0).Add(by)
}

type keys struct {
	private *rsa.PrivateKey
	signer  *Signer
	check   *Verifier
}

func writeKey(t *testing.T, private *rsa.PrivateKey, s *Signer, v *Verifier) {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		s.PrivateKeyFile: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)},
		v.PublicKeyFile:  {Type: "PUBLIC KEY", Bytes: public},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newKeys(t *testing.T) keys {
	t.Helper()
	dir := t.TempDir()
	k := keys{
		signer: &Signer{PrivateKeyFile: filepath.Join(dir, "private.pem")},
		check:  &Verifier{PublicKeyFile: filepath.Join(dir, "public.pem")},
	}
	k.change(t)
	return k
}

func (k *keys) change(t *testing.T) {
	t.Helper()
	var err error
	if k.private, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	writeKey(t, k.private, k.signer, k.check)
}

func (k *keys) token(t *testing.T, node string) string {
	t.Helper()
	token, err := k.signer.Token(node, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (k *keys) refuses(t *testing.T, token string, now time.Time, want string) {
	t.Helper()
	got := ""
	if err := k.check.Verify(token, "bar", now); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokenHoldsNothingElse(t *testing.T) {
	k := newKeys(t)
	parts := strings.Split(k.token(t, "bar"), ".")
	for i, want := range []string{`{"alg":"RS512","typ":"JWT"}`, `{"aud":["bar"],"exp":1795349100}`} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || string(text) != want {
			t.Errorf("part %d is %s, %v, want %s", i, text, err, want)
		}
	}
}

func TestTimes(t *testing.T) {
	k := newKeys(t)
	token := k.token(t, "bar")
	k.refuses(t, token, noon.Add(5*time.Minute-time.Nanosecond), "")
	k.refuses(t, token, noon.Add(5*time.Minute+1500*time.Millisecond), "could not verify signature: token is expired by 1.5s")
	k.check.Tolerance = 10 * time.Second
	k.refuses(t, token, noon.Add(5*time.Minute+1500*time.Millisecond), "")
	k.refuses(t, token, noon.Add(5*time.Minute+10*time.Second), "could not verify signature: token is expired by 10s")
	claims := jwt.RegisteredClaims{Audience: jwt.ClaimStrings{"bar"}, NotBefore: jwt.NewNumericDate(noon)}
	early, err := jwt.NewWithClaims(jwt.SigningMethodPS384, claims).SignedString(k.private)
	if err != nil {
		t.Fatal(err)
	}
	k.refuses(t, early, noon.Add(-10*time.Second), "")
	k.refuses(t, early, noon.Add(-11*time.Second), "could not verify signature: token is not valid yet")
}

func TestChangedKeysCountAtOnce(t *testing.T) {
	k := newKeys(t)
	old := k.token(t, "bar")
	k.refuses(t, old, noon, "")
	k.change(t)
	k.refuses(t, old, noon, "could not verify signature: crypto/rsa: verification error")
	k.refuses(t, k.token(t, "bar"), noon, "")
}

// A key that is no key is an error each time, and counts as soon as it is one.
func TestBrokenKeys(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err1 := x509.MarshalPKCS8PrivateKey(private)
	public, err2 := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	k := newKeys(t)
	token := k.token(t, "bar")
	for name, c := range map[string]struct{ private, public []byte }{
		"nonsense": {[]byte("nonsense"), []byte("nonsense")},
		"not RSA": {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
			pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})},
	} {
		if err := errors.Join(os.WriteFile(k.signer.PrivateKeyFile, c.private, 0o600), os.WriteFile(k.check.PublicKeyFile, c.public, 0o600)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := k.signer.Token("bar", noon); err == nil || !strings.HasPrefix(err.Error(), "could not load signing key file: ") {
				t.Errorf("%s signs: %v", name, err)
			}
			if err := k.check.Verify(token, "bar", noon); err == nil || !strings.HasPrefix(err.Error(), "could not load verifying key file: ") {
				t.Errorf("%s verifies: %v", name, err)
			}
		}
	}
	writeKey(t, k.private, k.signer, k.check)
	k.refuses(t, k.token(t, "bar"), noon, "")
}

func TestLifetime(t *testing.T) {
	for _, c := range []struct{ set, want time.Duration }{{0, 5 * time.Minute}, {time.Hour, time.Hour}} {
		if got := (&Signer{Expiration: c.set}).Lifetime(); got != c.want {
			t.Errorf("%s lasts %s", c.set, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	k := newKeys(t)
	k.refuses(t, k.token(t, "foo"), noon, "token audience did not match node ID")
	symmetric, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{}).SignedString([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	k.refuses(t, symmetric, noon, "could not verify signature: key is of invalid type")
	if err := os.WriteFile(k.check.PublicKeyFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.check.Verify(symmetric, "bar", noon); err == nil || !strings.HasPrefix(err.Error(), "could not load verifying key file: ") {
		t.Error(err)
	}
	for _, none := range []*Verifier{nil, {}} {
		if err := none.Verify("x", "bar", noon); err == nil || err.Error() != "could not verify signature: verifying key not specified" {
			t.Error(err)
		}
	}
	for want, s := range map[string]*Signer{
		"cannot sign work: signing key is empty":                                    {},
		"could not load signing key file: open /no/such: no such file or directory": {PrivateKeyFile: "/no/such"},
	} {
		if _, err := s.Token("bar", noon); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
