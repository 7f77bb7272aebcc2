package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"receptor/transport/secure/cert"
)

// Failure is which check of a peer's certificate failed.
type Failure string

// The checks, as messages name them.
const (
	MissingCertificate Failure = "missing certificate"
	WrongCA            Failure = "wrong CA"
	Expired            Failure = "expired or not yet valid"
	WrongUsage         Failure = "wrong usage"
	WrongName          Failure = "wrong name"
	NotPinned          Failure = "not pinned"
	Unusable           Failure = "unusable"
)

// VerifyError is a peer that was turned away.
type VerifyError struct {
	Failure Failure
	Role    string // of the peer: client or server
	Subject string // of its certificate
	Err     error
}

func (e *VerifyError) Error() string {
	if e.Failure == MissingCertificate {
		return fmt.Sprintf("missing %s certificate: the %s didn't provide a certificate", e.Role, e.Role)
	}
	return fmt.Sprintf("%s certificate %s refused, %s: %v", e.Role, e.Subject, e.Failure, e.Err)
}

func (e *VerifyError) Unwrap() error { return e.Err }

var errNotPinned = errors.New("RVF failed: presented certificate does not match any pinned fingerprint")

// verifier checks the peer of one connection.
type verifier struct {
	role    string // of the peer
	trust   *material
	now     func() time.Time
	usage   x509.ExtKeyUsage
	pins    []cert.Fingerprint
	anybody bool   // chain and names do not matter
	host    string // the certificate has to name it; empty: not compared
	byNode  bool   // the certificate has to name node
	node    string
}

// check is a tls.Config.VerifyConnection.
func (v verifier) check(state tls.ConnectionState) error {
	peer := state.PeerCertificates
	if len(peer) == 0 {
		return &VerifyError{Failure: MissingCertificate, Role: v.role}
	}
	for _, step := range []func([]*x509.Certificate) (Failure, error){v.chain, v.pinned, v.named} {
		if failure, err := step(peer); err != nil {
			return &VerifyError{Failure: failure, Role: v.role, Subject: peer[0].Subject.String(), Err: err}
		}
	}
	return nil
}

// chain checks who issued the certificate, and a host's name.
func (v verifier) chain(peer []*x509.Certificate) (Failure, error) {
	if v.anybody {
		return "", nil
	}
	opts := x509.VerifyOptions{
		Roots:         v.trust.current().pool,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{v.usage},
		CurrentTime:   v.now(),
		DNSName:       v.host,
	}
	for _, c := range peer[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := withoutKnownExtensions(peer[0]).Verify(opts)
	return failureOf(err), err
}

// withoutKnownExtensions lets a certificate pass whose names are marked critical
// and are all node IDs: the standard library does not know these, we do.
func withoutKnownExtensions(c *x509.Certificate) *x509.Certificate {
	if len(c.UnhandledCriticalExtensions) == 0 {
		return c
	}
	if ids, err := cert.NodeIDs(c); err != nil || len(ids) == 0 {
		return c
	}
	known := *c
	known.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(c.UnhandledCriticalExtensions), cert.IsNames)
	return &known
}

func failureOf(err error) Failure {
	var authority x509.UnknownAuthorityError
	var roots x509.SystemRootsError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return WrongName
	case errors.As(err, &authority), errors.As(err, &roots):
		return WrongCA
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Expired
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return WrongUsage
	}
	return Unusable
}

func (v verifier) pinned(peer []*x509.Certificate) (Failure, error) {
	matches := func(pin cert.Fingerprint) bool { return pin.Matches(peer[0].Raw) }
	if len(v.pins) == 0 || slices.ContainsFunc(v.pins, matches) {
		return "", nil
	}
	return NotPinned, errNotPinned
}

// named checks the node ID.
func (v verifier) named(peer []*x509.Certificate) (Failure, error) {
	if v.anybody || !v.byNode {
		return "", nil
	}
	ids, err := cert.NodeIDs(peer[0])
	if err != nil {
		return Unusable, err
	}
	if v.node != "" && slices.Contains(ids, v.node) {
		return "", nil
	}
	return WrongName, fmt.Errorf("x509: certificate is valid for Receptor node ID(s) %s, not %s", listed(ids), v.node)
}

func listed(ids []string) string {
	if len(ids) == 0 {
		return "(none)"
	}
	return strings.Join(ids, ", ")
}

// bareHost is a host as certificates name it.
func bareHost(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.WithZone("").String()
	}
	return host
}
