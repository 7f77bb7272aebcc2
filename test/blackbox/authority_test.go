package blackbox

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair is a certificate and its key, in files.
type pair struct{ cert, key string }

// names is what a certificate says of its owner.
type names struct {
	dns, ip, node []string
	from, until   time.Time // zero: as the commands have it
	rsa           bool      // the kind of its key; else it is an elliptic curve's
}

// of is a certificate for a node that is reached at this machine's address.
func of(node string) names {
	return names{node: []string{node}, ip: []string{"127.0.0.1", "::1"}, dns: []string{"localhost"}}
}

// authority makes a certificate authority with the program's own command.
func (w *world) authority(name string) pair {
	w.t.Helper()
	ca := w.pair("ca-" + name)
	w.cert("--cert-init", "commonname="+name, "keytype=ecdsa", "outcert="+ca.cert, "outkey="+ca.key)
	return ca
}

// issue has the authority sign a certificate, the way a user does: a request,
// then the signature. A file that is there already gets new content.
func (w *world) issue(ca pair, file string, n names) pair {
	w.t.Helper()
	p, request := w.pair(file), filepath.Join(w.Dir, file+".req")
	args := []string{"--cert-makereq", "commonname=" + file, "outreq=" + request, "outkey=" + p.key, "force=true"}
	if n.rsa {
		args = append(args, "bits=2048")
	} else {
		args = append(args, "keytype=ecdsa")
	}
	for key, values := range map[string][]string{"dnsname": n.dns, "ipaddress": n.ip, "nodeid": n.node} {
		for _, v := range values {
			args = append(args, key+"="+v)
		}
	}
	w.cert(args...)
	args = []string{"--cert-signreq", "req=" + request, "cacert=" + ca.cert, "cakey=" + ca.key, "outcert=" + p.cert, "verify=true"}
	for key, date := range map[string]time.Time{"notbefore": n.from, "notafter": n.until} {
		if !date.IsZero() {
			args = append(args, key+"="+date.Format(time.RFC3339))
		}
	}
	w.cert(args...)
	return p
}

func (w *world) pair(name string) pair {
	return pair{filepath.Join(w.Dir, name+".crt"), filepath.Join(w.Dir, name+".key")}
}

// cert runs a certificate command, which says nothing when it works.
func (w *world) cert(args ...string) {
	w.t.Helper()
	stdout, stderr, code := w.run(programs.Receptor, args...)
	if code != 0 || stdout+stderr != "" {
		w.t.Fatalf("%s: exit status %d, %q, %q", strings.Join(args, " "), code, stdout, stderr)
	}
}

// certificate reads the first certificate of a file.
func (w *world) certificate(file string) *x509.Certificate {
	w.t.Helper()
	text, err := os.ReadFile(file)
	w.must(err)
	block, _ := pem.Decode(text)
	if block == nil {
		w.t.Fatalf("no certificate in %s", file)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	w.must(err)
	return c
}

// pins are the fingerprints of a certificate in the ways that users write them.
func (w *world) pins(file string) (sha256Colons, sha512Plain string) {
	w.t.Helper()
	der := w.certificate(file).Raw
	short, long := sha256.Sum256(der), sha512.Sum512(der)
	var colons []string
	for _, b := range short {
		colons = append(colons, fmt.Sprintf("%02X", b))
	}
	return strings.Join(colons, ":"), hex.EncodeToString(long[:])
}

// The commands never take a key away, and sign only what somebody agreed to.
func TestCertificateCommandsAreCareful(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("careful")
	w.refuses([]string{"not writing over", ca.key}, "--cert-init", "commonname=x", "outcert="+ca.cert, "outkey="+ca.key)
	w.refuses([]string{"cannot specify any other options with cert-init"},
		"--node", "id=foo", "--cert-init", "commonname=x", "outcert=x", "outkey=y")
	node := w.issue(ca, "foo", of("foo"))
	request := filepath.Join(w.Dir, "foo.req")
	sign := []string{"--cert-signreq", "req=" + request, "cacert=" + ca.cert, "cakey=" + ca.key, "outcert=" + node.cert}
	for answer, want := range map[string]string{"no\n": "user declined", "": "EOF"} {
		stdout, _, code := w.runWith(answer, programs.Receptor, sign...)
		if code != 1 || !strings.Contains(stdout, "Receptor Node ID: foo") || !strings.Contains(stdout, want) {
			t.Errorf("answer %q: exit status %d, %q", answer, code, stdout)
		}
	}
	before := w.certificate(node.cert)
	if _, _, code := w.runWith("yes\n", programs.Receptor, sign...); code != 0 {
		t.Errorf("answer yes: exit status %d", code)
	}
	if after := w.certificate(node.cert); after.SerialNumber.Cmp(before.SerialNumber) == 0 {
		t.Errorf("two certificates with the serial number %v", after.SerialNumber)
	}
	nameless := filepath.Join(w.Dir, "nameless.req")
	w.cert("--cert-makereq", "commonname=x", "keytype=ecdsa", "outreq="+nameless, "outkey="+filepath.Join(w.Dir, "nameless.key"))
	w.refuses([]string{"cannot sign: no names found in certificate"},
		"--cert-signreq", "req="+nameless, "cacert="+ca.cert, "cakey="+ca.key, "outcert=x", "verify=true")
}

// An RSA authority of the foreign program's making is as good as ours, and ours
// as theirs.
func TestCertificatesOfThePeer(t *testing.T) {
	peer := peerProgram(t)
	w := newWorld(t)
	for _, maker := range []string{peer, programs.Receptor} {
		ca, node := w.pair("ca-of"), w.pair("of")
		for _, args := range [][]string{
			{"--cert-init", "commonname=ca", "bits=2048", "outcert=" + ca.cert, "outkey=" + ca.key},
			{"--cert-makereq", "commonname=x", "bits=2048", "nodeid=foo", "outreq=of.req", "outkey=" + node.key},
		} {
			if out, _, code := w.run(maker, args...); code != 0 {
				t.Fatalf("%s %v: %q", maker, args, out)
			}
		}
		for _, signer := range []string{peer, programs.Receptor} {
			out, _, code := w.run(signer, "--cert-signreq", "req=of.req", "cacert="+ca.cert, "cakey="+ca.key, "outcert="+node.cert, "verify=yes")
			if code != 0 {
				t.Fatalf("request of %s signed by %s: %q", maker, signer, out)
			}
			for _, user := range []string{peer, programs.Receptor} { // both complain of the missing backend only
				out, _, _ := w.run(user, "--node", "id=foo", "--tls-server", "name=s", "cert="+node.cert, "key="+node.key)
				if !strings.Contains(out, "no backends are running") {
					t.Errorf("made by %s, signed by %s, used by %s: %q", maker, signer, user, out)
				}
			}
		}
		for _, file := range []string{ca.key, node.key} {
			w.must(os.Remove(file))
		}
	}
}
