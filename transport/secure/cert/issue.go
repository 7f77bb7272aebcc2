package cert

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// Validity is from when until when a certificate is good.
type Validity struct {
	NotBefore, NotAfter time.Time
}

// ParseValidity reads dates in RFC 3339. Without them a certificate is good from
// now on, for so many years.
func ParseValidity(notBefore, notAfter string, now time.Time, years int) (Validity, error) {
	v := Validity{NotBefore: now, NotAfter: now.AddDate(years, 0, 0)}
	var err error
	if notBefore != "" {
		if v.NotBefore, err = time.Parse(time.RFC3339, notBefore); err != nil {
			return v, fmt.Errorf("%w (notbefore is written like 2026-01-31T00:00:00Z)", err)
		}
	}
	if notAfter != "" {
		if v.NotAfter, err = time.Parse(time.RFC3339, notAfter); err != nil {
			return v, fmt.Errorf("%w (notafter is written like 2026-01-31T00:00:00Z)", err)
		}
	}
	if !v.NotAfter.After(v.NotBefore) {
		return v, fmt.Errorf("certificate would never be valid: not before %s, not after %s",
			v.NotBefore.Format(time.RFC3339), v.NotAfter.Format(time.RFC3339))
	}
	return v, nil
}

// newSerial is a random number of at most 128 bits, and never 0.
func newSerial(random io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:]), nil
}

var bothEnds = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}

// NewCA makes the self-signed certificate of an authority, as DER.
func NewCA(random io.Reader, key crypto.Signer, commonName string, v Validity) ([]byte, error) {
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             v.NotBefore,
		NotAfter:              v.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           bothEnds,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return x509.CreateCertificate(random, template, template, key.Public(), key)
}

// NewRequest makes a request for a certificate with these names, as DER.
func NewRequest(random io.Reader, key crypto.Signer, commonName string, names Names) ([]byte, error) {
	ext, err := names.Extension()
	if err != nil {
		return nil, err
	}
	template := &x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: commonName},
		ExtraExtensions: []pkix.Extension{ext},
	}
	return x509.CreateCertificateRequest(random, template, key)
}

// CheckRequest says why a request can't be signed.
func CheckRequest(r *x509.CertificateRequest) error {
	if err := r.CheckSignature(); err != nil {
		return fmt.Errorf("cannot sign: the request is not signed by its own key: %w", err)
	}
	names, err := RequestNames(r)
	if err != nil {
		return fmt.Errorf("cannot sign: %w", err)
	}
	if names.Empty() {
		return errors.New("cannot sign: no names found in certificate")
	}
	return nil
}

// Sign makes the certificate that r asks for, as DER. The names go over byte for
// byte, nothing else but the subject and the key does.
func Sign(random io.Reader, r *x509.CertificateRequest, ca *x509.Certificate, caKey crypto.Signer, v Validity) ([]byte, error) {
	if err := CheckRequest(r); err != nil {
		return nil, err
	}
	if !mayIssue(ca) {
		return nil, fmt.Errorf("cannot sign: %s is not a certificate authority", ca.Subject)
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		RawSubject:   r.RawSubject,
		NotBefore:    v.NotBefore,
		NotAfter:     v.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  bothEnds,
	}
	for _, ext := range r.Extensions {
		if ext.Id.Equal(oidAltName) {
			template.ExtraExtensions = []pkix.Extension{{Id: ext.Id, Value: ext.Value}}
			break
		}
	}
	return x509.CreateCertificate(random, template, ca, r.PublicKey, caKey)
}

// mayIssue is the rule by which verifiers take a certificate for an authority's.
func mayIssue(c *x509.Certificate) bool {
	if c.BasicConstraintsValid {
		return c.IsCA
	}
	return c.Version < 3
}

// Describe shows a request to whoever has to sign it: everything that its
// certificate will say.
func Describe(r *x509.CertificateRequest) (string, error) {
	names, err := RequestNames(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
	line("Requested certificate:")
	line("  Subject: %s", printable(r.Subject.String()))
	if key, ok := r.PublicKey.(*rsa.PublicKey); ok {
		line("  Encryption Algorithm: %s (%d bits)", r.PublicKeyAlgorithm, key.N.BitLen())
	} else {
		line("  Encryption Algorithm: %s", r.PublicKeyAlgorithm)
	}
	line("  Signature Algorithm: %s", r.SignatureAlgorithm)
	line("  Names:")
	for _, name := range names.DNS {
		line("    DNS Name: %s", printable(name))
	}
	for _, addr := range names.IP {
		line("    IP Address: %s", addr)
	}
	for _, id := range names.NodeIDs {
		line("    Receptor Node ID: %s", printable(id))
	}
	for _, text := range names.Other {
		line("    %s", text)
	}
	return b.String(), nil
}

// printable keeps a request from drawing on the terminal of its signer.
func printable(text string) string {
	quoted := fmt.Sprintf("%q", text)
	if plain := quoted[1 : len(quoted)-1]; plain == text {
		return text
	}
	return quoted
}
