package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// office is a folder where certificates are made with the built program.
type office struct {
	t   *testing.T
	dir string
}

// runs the program with this standard input; it must not say anything on its
// error output.
func (o office) run(answer string, args ...string) result {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = o.dir, strings.NewReader(answer), &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil || errs.Len() > 0 {
		o.t.Fatalf("%q: %v\n%s", args, err, errs.String())
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// makes wants success without a word.
func (o office) makes(line string) {
	o.t.Helper()
	if r := o.run("", strings.Fields(line)...); r.status != 0 || r.stdout != "" {
		o.t.Fatalf("%s: %+v", line, r)
	}
}

func TestBinaryMakesCertificates(t *testing.T) {
	o := office{t: t, dir: t.TempDir()}
	o.makes("--cert-init commonname=CA bits=2048 outcert=ca.crt outkey=ca.key")
	o.makes("--cert-makereq commonname=foo bits=2048 nodeid=foo outreq=foo.req outkey=foo.key")
	const question = "Requested certificate:\n  Subject: CN=foo\n  Encryption Algorithm: RSA (2048 bits)\n  Signature Algorithm: SHA256-RSA\n" +
		"  Names:\n    Receptor Node ID: foo\nSign certificate (yes/no)? "
	sign := strings.Fields("--cert-signreq req=foo.req cacert=ca.crt cakey=ca.key outcert=foo.crt")
	for answer, want := range map[string]string{"no\n": "Error: user declined\n", "": "Error: EOF (answer yes or no; with verify=yes nobody is asked)\n"} {
		if r := o.run(answer, sign...); r.status != 1 || r.stdout != question+want {
			t.Errorf("answer %q: %+v", answer, r)
		}
	}
	if _, err := os.Stat(filepath.Join(o.dir, "foo.crt")); err == nil {
		t.Error("signed without a yes")
	}
	if r := o.run("yes\n", sign...); r.status != 0 || r.stdout != question {
		t.Errorf("%+v", r)
	}
	info, err := os.Stat(filepath.Join(o.dir, "foo.crt"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	o.run("", "--cert-init", "commonname=CA", "outcert=ca.crt", "outkey=ca.key").
		failed(t, "Error: not writing over ca.key: it exists; give force=true to do it all the same\n")
	o.makes("--cert-init commonname=CA outcert=ca.crt outkey=ca.key force=true")
}

func TestBinaryMakesCertificatesFromAFile(t *testing.T) {
	o := office{t: t, dir: t.TempDir()}
	text := "- cert-init: {commonName: CA, keyType: ecdsa, outCert: ca.crt, outKey: ca.key}\n"
	if err := os.WriteFile(filepath.Join(o.dir, "ca.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o.makes("--config ca.yml")
	if _, err := os.Stat(filepath.Join(o.dir, "ca.crt")); err != nil {
		t.Error(err)
	}
}

// A node that makes its certificates goes on with those it has: neither the key of the
// authority, kept elsewhere, nor a request that was signed is missed.
func TestNodeKeepsItsCertificates(t *testing.T) {
	o := office{t: t, dir: t.TempDir()}
	at := func(name string) string { return filepath.Join(o.dir, name) }
	text := "cert-init: {commonname: CA, keytype: ecdsa, outcert: ca.crt, outkey: ca.key}\n" +
		"cert-makereqs: [{commonname: foo, keytype: ecdsa, nodeid: foo, outreq: foo.req, outkey: foo.key}]\n" +
		"cert-signreqs: [{req: foo.req, cacert: ca.crt, cakey: ca.key, outcert: foo.crt, verify: true}]\n" +
		"node: {id: foo, datadir: data}\n" +
		"tls-clients: [{name: c, cert: foo.crt, key: foo.key, rootcas: ca.crt}]\n" +
		"control-services: [{service: '', filename: no/folder}]\n" + // where the start ends, after the certificates
		"local-only: {local: true}\n"
	if err := os.WriteFile(at("foo.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() {
		t.Helper()
		if r := o.run("", "--config", "foo.yml"); r.status != 1 || !strings.Contains(r.stdout, "no/folder") {
			t.Fatalf("%+v", r)
		}
	}
	start()
	before, err := os.ReadFile(at("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.key", "foo.req"} {
		if err := os.Remove(at(name)); err != nil {
			t.Fatal(err)
		}
	}
	start()
	if now, err := os.ReadFile(at("ca.crt")); err != nil || !bytes.Equal(now, before) {
		t.Errorf("another authority, %v", err)
	}
	if _, err := os.Stat(at("ca.key")); err == nil {
		t.Error("another key of the authority")
	}
}
