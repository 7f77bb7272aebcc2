package config

import (
	"reflect"
	"strings"
	"testing"

	"receptor/cli/receptor/certs"
)

func TestCertificateCommands(t *testing.T) {
	for _, c := range []struct {
		line string
		want Command
	}{
		{"--cert-init commonname=ca outcert=c outkey=k", certs.Init{CommonName: "ca", KeyType: "rsa", OutCert: "c", OutKey: "k"}},
		{"--cert-init commonname=ca bits=384 keytype=ecdsa notbefore=b notafter=a outcert=c outkey=k force=yes",
			certs.Init{CommonName: "ca", KeyType: "ecdsa", Bits: 384, NotBefore: "b", NotAfter: "a", OutCert: "c", OutKey: "k", Force: true}},
		{"--cert-makereq commonname=x bits=2048 outreq=r outkey=k dnsname=d dnsname=e ipaddress=::1 nodeid=foo nodeid=bar", certs.MakeReq{
			CommonName: "x", KeyType: "rsa", Bits: 2048, DNSName: []string{"d", "e"}, IPAddress: []string{"::1"},
			NodeID: []string{"foo", "bar"}, OutReq: "r", OutKey: "k",
		}},
		{"--cert-makereq commonname=x keytype=ecdsa outreq=r outkey=k force=1", certs.MakeReq{CommonName: "x", KeyType: "ecdsa", OutReq: "r", OutKey: "k", Force: true}},
		{"--cert-makereq commonname=x outreq=r inkey=k", certs.MakeReq{CommonName: "x", KeyType: "rsa", OutReq: "r", InKey: "k"}},
		{"--cert-signreq req=r cacert=c cakey=k outcert=o", certs.SignReq{Req: "r", CACert: "c", CAKey: "k", OutCert: "o"}},
		{"--cert-signreq req=r cacert=c cakey=k outcert=o notbefore=b notafter=a verify=true force=true",
			certs.SignReq{Req: "r", CACert: "c", CAKey: "k", OutCert: "o", NotBefore: "b", NotAfter: "a", Verify: true, Force: true}},
		{"-c f", certs.Init{CommonName: "ca", KeyType: "rsa", Bits: 4096, OutCert: "c", OutKey: "k"}},
	} {
		files := map[string]string{"f": "- cert-init: {commonName: ca, bits: 4096, outCert: c, outKey: k}"}
		got := mustParse(t, files, strings.Fields(c.line)...)
		if got.Show != ShowNothing || !reflect.DeepEqual(got.Commands, []Command{c.want}) || got.Serves {
			t.Errorf("%s\ngot  %+v\nwant %+v", c.line, got.Commands, c.want)
		}
	}
}

func TestCertificateErrors(t *testing.T) {
	for line, want := range map[string]string{
		"--cert-init commonname=x":                                        "error in --cert-init: required parameters missing: outcert, outkey",
		"--cert-init commonname=x outcert= outkey=k":                      "error setting config value for field outcert: value must not be empty",
		"--cert-makereq commonname=x outreq=a outkey=b":                   "must specify key bits when creating a new key",
		"--cert-makereq commonname=x outreq=a":                            "must provide either InKey or OutKey",
		"--cert-makereq commonname=x outreq=a inkey=b outkey=c":           "cannot use both InKey and OutKey",
		"--cert-makereq commonname=x outreq=a inkey=b bits=2048":          "cannot specify key bits when reading an already-existing key",
		"--cert-makereq commonname=x outreq=a outkey=b keytype=dsa":       "unknown key type dsa (known: rsa, ecdsa)",
		"--cert-makereq commonname=x outreq=a outkey=b bits=many":         `error setting config value for field bits: strconv.ParseInt: parsing "many": invalid syntax`,
		"--cert-signreq req=a":                                            "error in --cert-signreq: required parameters missing: cacert, cakey, outcert",
		"--cert-init commonname=x outcert=a outkey=b --local-only":        "cannot specify any other options with cert-init",
		"--node foo --cert-makereq commonname=x outreq=a outkey=b bits=1": "cannot specify any other options with cert-makereq",
		"--cert-signreq req=a cacert=b cakey=c outcert=d --version":       "cannot specify any other options with cert-signreq",
	} {
		_, err := Parse(strings.Fields(line), world(nil))
		wantError(t, err, want)
	}
}
