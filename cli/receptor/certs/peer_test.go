package certs

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"receptor/transport/secure/cert"
)

// The existing implementation signs our requests, we sign its, and it takes what
// we make for its own.
func TestBesideExistingImplementation(t *testing.T) {
	peer := os.Getenv("RECEPTOR_PEER")
	if peer == "" {
		t.Skip("RECEPTOR_PEER names no program")
	}
	d := newDesk(t)
	call := func(args ...string) string {
		cmd := exec.Command(peer, args...)
		cmd.Dir = d.dir
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out)
	}
	silent := func(args ...string) {
		t.Helper()
		if out := call(args...); out != "" {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, kind := range []string{"rsa", "ecdsa"} {
		ca := d.init(kind)
		ca.Force = true
		d.run(ca)
		req := d.makeReq("rsa")
		req.Force = true
		d.run(req)
		if kind == "rsa" { // it makes nothing else
			silent("--cert-signreq", "req=foo.req", "cacert=ca.crt", "cakey=ca.key", "outcert=theirs.crt", "verify=yes")
			if ids, err := cert.NodeIDs(d.certificate("theirs.crt")); err != nil || len(ids) != 1 || ids[0] != "foo" {
				t.Errorf("they signed %v, %v", ids, err)
			}
		}
		silent("--cert-makereq", "bits=2048", "commonname=bar", "nodeid=foo", "dnsname=localhost", "outreq=theirs.req", "outkey=theirs.key")
		s := d.signReq()
		s.Req, s.OutCert = d.path("theirs.req"), d.path("ours.crt")
		d.run(s)
		out := call("--node", "id=foo", "--tls-server", "name=s", "cert=ours.crt", "key=theirs.key", "requireclientcert=yes", "clientcas=ca.crt",
			"--tls-client", "name=c", "cert=ours.crt", "key=theirs.key", "rootcas=ca.crt")
		if !strings.Contains(out, "no backends are running") {
			t.Errorf("they don't take our certificate: %s", out)
		}
	}
}
