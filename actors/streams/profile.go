package streams

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	alpnShared = "netceptor/2"
	alpnSingle = "netceptor"

	// insecureName is the common name by which the built-in profile is known.
	insecureName = "netceptor-insecure-common-name"
)

var errInsecure = errors.New("insecure connection to secure service")

// curves leaves out the post-quantum exchange: the built-in profile proves
// nothing about the peer, and its client hello would need two datagrams.
var curves = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}

// insecureCertificate is made once per process, when it is first needed.
var insecureCertificate = sync.OnceValues(func() (tls.Certificate, error) { return selfSigned(insecureName) })

func selfSigned(commonName string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the key of the built-in profile: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.AddDate(10, 0, 0), // nobody checks it; the process may live long
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate of the built-in profile: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Credentials are the configured TLS profiles by name; the empty name never comes
// here. Errors say "unknown TLS config NAME".
type Credentials interface {
	// Client is for dialling a service of a node, which has to prove that it is it.
	Client(name, node string, protocols []string) (*tls.Config, error)
	// Server is for a service of this node. nodeOf tells the node of an address.
	Server(name string, protocols []string, nodeOf func(net.Addr) string) (*tls.Config, error)
}

var protocols = []string{alpnShared, alpnSingle}

// clientTLS is how a dialer proves and checks identities; k.tls is a configured
// TLS client, empty for the built-in profile.
func (n *Network) clientTLS(k key) (*tls.Config, error) {
	if k.tls != "" {
		if n.credentials == nil {
			return nil, fmt.Errorf("unknown TLS config %s", k.tls)
		}
		return n.credentials.Client(k.tls, k.node, protocols)
	}
	return &tls.Config{
		MinVersion:            tls.VersionTLS13,
		NextProtos:            protocols,
		CurvePreferences:      curves,
		ServerName:            n.plane.NodeID(),
		InsecureSkipVerify:    true, // replaced by the check of the name
		VerifyPeerCertificate: verifyInsecure,
	}, nil
}

// serverTLS is the same for a listener.
func (n *Network) serverTLS(name string) (*tls.Config, error) {
	if name != "" {
		if n.credentials == nil {
			return nil, fmt.Errorf("unknown TLS config %s", name)
		}
		return n.credentials.Server(name, protocols, nodeOf)
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protocols,
		CurvePreferences:       curves,
		SessionTicketsDisabled: true, // no dialer uses them
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, err := insecureCertificate()
			return &cert, err
		},
	}, nil
}

// verifyInsecure accepts only listeners of the built-in profile.
func verifyInsecure(presented [][]byte, _ [][]*x509.Certificate) error {
	for _, der := range presented {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("parse the peer's certificate: %w", err)
		}
		if cert.Subject.CommonName == insecureName {
			return nil
		}
	}
	return errInsecure
}
