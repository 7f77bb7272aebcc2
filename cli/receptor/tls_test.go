package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// newOffice has an authority, and a key and a certificate for the nodes foo and
// foo2.
func newOffice(t *testing.T) office {
	o := office{t: t, dir: t.TempDir()}
	o.makes("--cert-init commonname=CA keytype=ecdsa outcert=ca.crt outkey=ca.key")
	o.makes("--cert-makereq commonname=foo keytype=ecdsa dnsname=localhost ipaddress=127.0.0.1 nodeid=foo nodeid=foo2 outreq=foo.req outkey=foo.key")
	o.makes("--cert-signreq req=foo.req cacert=ca.crt cakey=ca.key outcert=foo.crt verify=true")
	return o
}

func TestBinaryChecksItsCertificate(t *testing.T) {
	o := newOffice(t)
	server := func(node string, more ...string) []string {
		return append([]string{
			"--node", "id=" + node, "datadir=" + o.dir, "--tcp-listener", "bindaddr=127.0.0.1", "port=0", "tls=s",
			"--tls-server", "name=s", "cert=" + filepath.Join(o.dir, "foo.crt"), "key=" + filepath.Join(o.dir, "foo.key"),
		}, more...)
	}
	o.run("", server("bar")...).failed(t, "Error: error preparing tls server config: "+
		"nodeID=bar not found in certificate name(s); names found=[foo foo2]; cfg section=s; server cert="+filepath.Join(o.dir, "foo.crt")+"\n")
	for _, args := range [][]string{server("foo2"), server("bar", "skipreceptornamescheck=true")} {
		d := startDaemon(t, append([]string{binary}, args...)...)
		d.expect(t, complete)
		d.signal(t, syscall.SIGTERM)
		d.ends(t)
	}
}

func TestBinaryRefusesBadTLS(t *testing.T) {
	o := newOffice(t)
	for line, want := range map[string]string{
		"--tls-server name=s cert=/nope key=foo.key":                        "Error: error preparing tls server config: open /nope: no such file or directory\n",
		"--tls-server name=s cert=foo.crt key=ca.key":                       "Error: error preparing tls server config: tls: private key does not match public key\n",
		"--tls-client name=c cert=foo.crt key=foo.key rootcas=/nope":        "Error: error preparing tls client config: error reading root CAs file: open /nope: no such file or directory\n",
		"--tls-server name=s cert=foo.crt key=foo.key --tcp-peer h:1 tls=s": "Error: unknown TLS config s (it is a tls-server; a tls-client is needed here)\n",
	} {
		args := append([]string{"--node", "id=foo", "datadir=" + o.dir, "--local-only"}, strings.Fields(line)...)
		o.run("", args...).failed(t, want)
	}
}
