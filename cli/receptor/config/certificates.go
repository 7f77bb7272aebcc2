package config

import (
	"receptor/cli/receptor/certs"
	"receptor/transport/secure/cert"
)

const (
	aboutKeyType   = "Kind of the new key: rsa or ecdsa."
	aboutNotBefore = "When it begins to be valid, such as 2030-01-31T00:00:00Z. Without it: now."
	aboutForce     = "Write over a file that holds a private key."
)

var certActions = []action{
	define(action{
		name: "cert-init", section: certificates, is: exclusive,
		about: "Make a certificate authority and exit.",
	}, certs.Init{KeyType: "rsa"}, applyCertInit,
		with("commonname", required, "Name of the authority.",
			func(o *certs.Init) *string { return &o.CommonName }),
		with("keytype", 0, aboutKeyType,
			func(o *certs.Init) *string { return &o.KeyType }).among("rsa", "ecdsa"),
		with("bits", 0, "Size of the key. Without it: 2048 for rsa, 256 for ecdsa.",
			func(o *certs.Init) *int { return &o.Bits }),
		with("notbefore", 0, aboutNotBefore,
			func(o *certs.Init) *string { return &o.NotBefore }),
		with("notafter", 0, "When it ends to be valid. Without it: in 10 years.",
			func(o *certs.Init) *string { return &o.NotAfter }),
		with("outcert", required|nonEmpty, "File to write the certificate to.",
			func(o *certs.Init) *string { return &o.OutCert }),
		with("outkey", required|nonEmpty, "File to write the key to.",
			func(o *certs.Init) *string { return &o.OutKey }),
		with("force", 0, aboutForce,
			func(o *certs.Init) *bool { return &o.Force }),
	),
	define(action{
		name: "cert-makereq", section: certificates, is: exclusive,
		about: "Make a certificate request and exit.",
	}, certs.MakeReq{KeyType: "rsa"}, applyCertMakeReq,
		with("commonname", required, "Name of the certificate.",
			func(o *certs.MakeReq) *string { return &o.CommonName }),
		with("keytype", 0, aboutKeyType,
			func(o *certs.MakeReq) *string { return &o.KeyType }).among("rsa", "ecdsa"),
		with("bits", 0, "Size of the new key; an ecdsa key can do without.",
			func(o *certs.MakeReq) *int { return &o.Bits }),
		with("dnsname", 0, "Host name to put into the certificate.",
			func(o *certs.MakeReq) *[]string { return &o.DNSName }),
		with("ipaddress", 0, "IP address to put into the certificate.",
			func(o *certs.MakeReq) *[]string { return &o.IPAddress }),
		with("nodeid", 0, "Node ID to put into the certificate.",
			func(o *certs.MakeReq) *[]string { return &o.NodeID }),
		with("outreq", required|nonEmpty, "File to write the request to.",
			func(o *certs.MakeReq) *string { return &o.OutReq }),
		with("inkey", 0, "File with the key to use. Either this or outkey is needed.",
			func(o *certs.MakeReq) *string { return &o.InKey }),
		with("outkey", 0, "File to write a new key to.",
			func(o *certs.MakeReq) *string { return &o.OutKey }),
		with("force", 0, aboutForce,
			func(o *certs.MakeReq) *bool { return &o.Force }),
	),
	define(action{
		name: "cert-signreq", section: certificates, is: exclusive,
		about: "Make the certificate that a request asks for, and exit.",
	}, certs.SignReq{}, applyCertSignReq,
		with("req", required|nonEmpty, "File with the request.",
			func(o *certs.SignReq) *string { return &o.Req }),
		with("cacert", required|nonEmpty, "File with the certificate of the authority.",
			func(o *certs.SignReq) *string { return &o.CACert }),
		with("cakey", required|nonEmpty, "File with the key of the authority.",
			func(o *certs.SignReq) *string { return &o.CAKey }),
		with("notbefore", 0, aboutNotBefore,
			func(o *certs.SignReq) *string { return &o.NotBefore }),
		with("notafter", 0, "When it ends to be valid. Without it: in a year.",
			func(o *certs.SignReq) *string { return &o.NotAfter }),
		with("outcert", required|nonEmpty, "File to write the certificate to.",
			func(o *certs.SignReq) *string { return &o.OutCert }),
		with("verify", 0, "The request is verified: do not ask.",
			func(o *certs.SignReq) *bool { return &o.Verify }),
		with("force", 0, aboutForce,
			func(o *certs.SignReq) *bool { return &o.Force }),
	),
}

func applyCertInit(c *Config, o *certs.Init) error {
	c.Commands = append(c.Commands, *o)
	_, err := cert.ParseKind(o.KeyType)
	return err
}

func applyCertMakeReq(c *Config, o *certs.MakeReq) error {
	c.Commands = append(c.Commands, *o)
	return o.Check()
}

func applyCertSignReq(c *Config, o *certs.SignReq) error {
	c.Commands = append(c.Commands, *o)
	return nil
}
