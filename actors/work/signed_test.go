package work

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"receptor/actors/work/sign"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// keyFiles makes a pair of keys.
func keyFiles(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	private, public = filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		private: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		public:  {Type: "PUBLIC KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return private, public
}

func TestEverythingAskedOfAnotherNodeIsSigned(t *testing.T) {
	onStage(t, func(w *world) {
		bar := newFakeNode(t)
		private, public := keyFiles(t)
		w.cfg.Dial, w.cfg.SigningKey = bar.dial, SigningKey{PrivateKeyFile: private}
		w.up()
		c := w.submit(&workv1.Submit{Node: "bar", WorkType: "cat", SignWork: true}).GetCreated()
		w.start(c, "x")
		id := c.GetUnitId()
		bar.unit(func(u *fakeUnit) { u.out = []byte("abc") })
		w.until("output", func() bool { return w.dir(id).OutputSize() == 3 })
		w.cancel(id)
		w.release(id, false)
		check := &sign.Verifier{PublicKeyFile: public}
		for _, kind := range []string{"submit", "results", "cancel", "release"} {
			bar.change(func() {
				if err := check.Verify(bar.tokens[kind], "bar", time.Now()); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
			})
		}
		bar.takeDown()
	})
}

func TestWhatCannotBeSignedFails(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		c := w.submit(&workv1.Submit{Node: "bar", WorkType: "cat", SignWork: true}).GetCreated()
		w.start(c, "x")
		w.final(c.GetUnitId(), unit.Failed, "Error starting worker: cannot sign work: signing key is empty")
		if bar.count("submit") != 0 {
			t.Error("it was submitted without a signature")
		}
	})
}

func TestSignedCommandsAreVerified(t *testing.T) {
	onStage(t, func(w *world) {
		private, public := keyFiles(t)
		w.cfg.VerifyKey = VerifyKey{PublicKeyFile: public}
		w.up()
		signer := &sign.Signer{PrivateKeyFile: private}
		access := func(node string) *workv1.Access {
			token, err := signer.Token(node, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return &workv1.Access{Signature: token}
		}
		no := w.submit(&workv1.Submit{Node: "foo", WorkType: "signed", Access: access("bar")}).GetRefused().GetText()
		if no != "token audience did not match node ID" {
			t.Errorf("for another node: %q", no)
		}
		c := w.submit(&workv1.Submit{Node: "foo", WorkType: "signed", Access: access("foo")}).GetCreated()
		w.start(c, "x")
		w.final(c.GetUnitId(), unit.Succeeded, "exit status 0")
		release := &workv1.Release{UnitId: c.GetUnitId(), Access: &workv1.Access{Signature: "x.y"}}
		no = w.stage.Ask(w, w.pid, release).(*workv1.EndReply).GetRefused().GetText()
		if !strings.HasSuffix(no, "token contains an invalid number of segments") {
			t.Errorf("release with nonsense: %q", no)
		}
		release.Access = access("foo")
		if w.stage.Ask(w, w.pid, release).(*workv1.EndReply).GetEnded() == nil {
			t.Error("release with a good token was refused")
		}
	})
}
