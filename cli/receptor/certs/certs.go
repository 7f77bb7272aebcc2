package certs

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"receptor/cli/internal/smallfile"
	"receptor/transport/secure/cert"
)

// Years that a certificate is good for without dates given.
const (
	yearsOfCA   = 10
	yearsOfNode = 1
)

// Env is the world that commands live in.
type Env struct {
	Now    func() time.Time
	Random io.Reader // of keys and serial numbers
	In     io.Reader // answers
	Out    io.Writer // questions
}

// Init are the parameters of cert-init.
type Init struct {
	CommonName string
	KeyType    string // rsa or ecdsa; empty: rsa
	Bits       int    // 0: 2048, of an ECDSA key 256
	NotBefore  string // RFC 3339; empty: now
	NotAfter   string // RFC 3339; empty: in ten years
	OutCert    string
	OutKey     string
	Force      bool // write over a key
}

// Run makes an authority.
func (o Init) Run(env Env) error {
	if o.CommonName == "" {
		return errors.New("must provide CommonName")
	}
	kind, err := cert.ParseKind(o.KeyType)
	if err != nil {
		return err
	}
	validity, err := cert.ParseValidity(o.NotBefore, o.NotAfter, env.Now(), yearsOfCA)
	if err != nil {
		return err
	}
	key, err := cert.NewKey(env.Random, kind, o.Bits)
	if err != nil {
		return err
	}
	der, err := cert.NewCA(env.Random, key, o.CommonName, validity)
	if err != nil {
		return err
	}
	keyText, err := cert.EncodeKey(key)
	if err != nil {
		return err
	}
	return writeAll(o.Force, output{o.OutCert, cert.EncodeCertificate(der), false}, output{o.OutKey, keyText, true})
}

// Outputs are the files it writes.
func (o Init) Outputs() []string { return []string{o.OutCert, o.OutKey} }

// Product is the certificate. Its key may well be kept elsewhere.
func (o Init) Product() string { return o.OutCert }

// MakeReq are the parameters of cert-makereq.
type MakeReq struct {
	CommonName string
	KeyType    string // of a new key: rsa or ecdsa; empty: rsa
	Bits       int    // of a new key; an ECDSA key can do without
	DNSName    []string
	IPAddress  []string
	NodeID     []string
	OutReq     string
	InKey      string
	OutKey     string
	Force      bool // write over a key
}

// Check says what is wrong with the parameters themselves.
func (o MakeReq) Check() error {
	kind, err := cert.ParseKind(o.KeyType)
	switch {
	case o.InKey == "" && o.OutKey == "":
		return errors.New("must provide either InKey or OutKey")
	case o.InKey != "" && o.OutKey != "":
		return errors.New("cannot use both InKey and OutKey")
	case o.InKey != "" && o.Bits != 0:
		return errors.New("cannot specify key bits when reading an already-existing key")
	case err != nil:
		return err
	case o.OutKey != "" && o.Bits == 0 && kind != cert.ECDSA:
		return errors.New("must specify key bits when creating a new key")
	}
	return nil
}

// Run makes a request, and a key if there is none yet.
func (o MakeReq) Run(env Env) error {
	if err := o.Check(); err != nil {
		return err
	}
	addrs, err := cert.ParseIPs(o.IPAddress)
	if err != nil {
		return err
	}
	names := cert.Names{DNS: o.DNSName, IP: addrs, NodeIDs: o.NodeID}
	if o.InKey != "" {
		return o.runWithKey(env, names)
	}
	kind, err := cert.ParseKind(o.KeyType)
	if err != nil {
		return err
	}
	key, err := cert.NewKey(env.Random, kind, o.Bits)
	if err != nil {
		return err
	}
	der, err := cert.NewRequest(env.Random, key, o.CommonName, names)
	if err != nil {
		return err
	}
	keyText, err := cert.EncodeKey(key)
	if err != nil {
		return err
	}
	return writeAll(o.Force, output{o.OutReq, cert.EncodeRequest(der), false}, output{o.OutKey, keyText, true})
}

func (o MakeReq) runWithKey(env Env, names cert.Names) error {
	text, err := smallfile.Read(o.InKey, smallfile.Limit)
	if err != nil {
		return err
	}
	key, err := cert.FindKey(text, o.InKey)
	if err != nil {
		return err
	}
	der, err := cert.NewRequest(env.Random, key, o.CommonName, names)
	if err != nil {
		return err
	}
	return writeAll(o.Force, output{o.OutReq, cert.EncodeRequest(der), false})
}

// Product is the key, if it makes one. The request is of no use once it was signed.
func (o MakeReq) Product() string {
	if o.OutKey == "" {
		return o.OutReq
	}
	return o.OutKey
}

// Outputs are the files it writes.
func (o MakeReq) Outputs() []string {
	if o.OutKey == "" {
		return []string{o.OutReq}
	}
	return []string{o.OutReq, o.OutKey}
}

// SignReq are the parameters of cert-signreq.
type SignReq struct {
	Req       string
	CACert    string
	CAKey     string
	NotBefore string // RFC 3339; empty: now
	NotAfter  string // RFC 3339; empty: in a year
	OutCert   string
	Verify    bool // the request is verified already: do not ask
	Force     bool // write over a key
}

// Outputs are the files it writes.
func (o SignReq) Outputs() []string { return []string{o.OutCert} }

// Product is the certificate.
func (o SignReq) Product() string { return o.OutCert }

// Run makes the certificate that a request asks for, if whoever runs it agrees.
func (o SignReq) Run(env Env) error {
	r, err := read(o.Req, cert.ReadRequest)
	if err != nil {
		return err
	}
	ca, err := read(o.CACert, cert.ReadCertificate)
	if err != nil {
		return err
	}
	key, err := read(o.CAKey, cert.ReadKey)
	if err != nil {
		return err
	}
	validity, err := cert.ParseValidity(o.NotBefore, o.NotAfter, env.Now(), yearsOfNode)
	if err != nil {
		return err
	}
	if err := cert.CheckRequest(r); err != nil { // before anybody is asked
		return err
	}
	if !o.Verify {
		text, err := cert.Describe(r)
		if err != nil {
			return err
		}
		if err := ask(env, text); err != nil {
			return err
		}
	}
	der, err := cert.Sign(env.Random, r, ca, key, validity)
	if err != nil {
		return fmt.Errorf("sign with certificate %s and key %s: %w", o.CACert, o.CAKey, err)
	}
	out := output{o.OutCert, nil, false}
	for _, in := range []string{o.Req, o.CACert} {
		if !o.Force && out.is(in) {
			return out.refused("it is what the certificate is made from")
		}
	}
	return writeAll(o.Force, output{o.OutCert, cert.EncodeCertificate(der), false})
}

// ask wants a yes to what text describes: one word on a line of its own.
func ask(env Env, text string) error {
	if _, err := fmt.Fprint(env.Out, text, "Sign certificate (yes/no)? "); err != nil {
		return err
	}
	var answer string
	if _, err := fmt.Fscanln(env.In, &answer); err != nil {
		return fmt.Errorf("%w (answer yes or no; with verify=yes nobody is asked)", err)
	}
	if word := strings.ToLower(answer); word != "y" && word != "yes" {
		return errors.New("user declined")
	}
	return nil
}

func read[T any](path string, parse func([]byte) (T, error)) (T, error) {
	text, err := smallfile.Read(path, smallfile.Limit)
	if err != nil {
		var none T
		return none, err
	}
	parsed, err := parse(text)
	if err != nil {
		return parsed, fmt.Errorf("%s: %w", path, err)
	}
	return parsed, nil
}
