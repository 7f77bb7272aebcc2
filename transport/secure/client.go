package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"receptor/transport/secure/cert"
)

// DefaultClient is the name of the client that is always there.
const DefaultClient = "default"

// Client is a tls-client: how the node dials others.
type Client struct {
	opts  ClientOptions
	files *material
	pins  []cert.Fingerprint
	now   func() time.Time
}

func newClient(opts ClientOptions, env Config) (*Client, error) {
	if opts.Name == "" {
		return nil, errNameless
	}
	if (opts.Cert == "") != (opts.Key == "") {
		return nil, errors.New("cert and key must both be supplied or neither")
	}
	pins, err := cert.ParseFingerprints(opts.PinnedServerCert)
	if err != nil {
		return nil, fmt.Errorf("error decoding fingerprints: %w", err)
	}
	f := files{cert: opts.Cert, key: opts.Key, cas: opts.RootCAs, casName: rootCAs, section: opts.Name}
	if !opts.SkipReceptorNamesCheck {
		f.node = env.NodeID
	}
	m, err := newMaterial(f, "tls-client "+opts.Name, env)
	if err != nil {
		return nil, err
	}
	return &Client{opts: opts, files: m, pins: pins, now: env.Now}, nil
}

// builtIn is the client "default" unless somebody configures another.
func builtIn(env Config) *Client {
	m := &material{label: "tls-client " + DefaultClient, log: env.Log, now: env.Now}
	m.inForce.Store(&loaded{})
	return &Client{opts: ClientOptions{Name: DefaultClient}, files: m, now: env.Now}
}

// Link is the configuration for dialling a host: its certificate has to name it.
// The caller may change it, for instance set protocols.
func (c *Client) Link(host string) *tls.Config {
	cfg := c.base()
	cfg.ServerName = bareHost(host)
	verify := c.verifier()
	verify.host = cfg.ServerName
	cfg.VerifyConnection = verify.check
	return cfg
}

// Mesh is the configuration for dialling a service of a node: its certificate has
// to name the node, and no host name is sent.
func (c *Client) Mesh(node string, protocols []string) *tls.Config {
	cfg := c.base()
	cfg.MinVersion = tls.VersionTLS13
	cfg.NextProtos = protocols
	verify := c.verifier()
	verify.byNode, verify.node = true, node
	cfg.VerifyConnection = verify.check
	return cfg
}

func (c *Client) base() *tls.Config {
	cfg := parameters(c.opts.MinTLS13)
	cfg.Time = c.now
	cfg.InsecureSkipVerify = true // VerifyConnection does it
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.files.certificate(), nil }
	return cfg
}

func (c *Client) verifier() verifier {
	return verifier{
		role: "server", trust: c.files, now: c.now, usage: x509.ExtKeyUsageServerAuth,
		pins: c.pins, anybody: c.opts.InsecureSkipVerify,
	}
}

// PeerNodeIDs are the node IDs that the certificate of a link's peer names; nil
// if it has none, or nobody verified it. The node ID that the peer gives itself
// has to be one of them.
func (c *Client) PeerNodeIDs(state tls.ConnectionState) ([]string, error) {
	if c.opts.InsecureSkipVerify && len(c.pins) == 0 {
		return nil, nil
	}
	return peerNodeIDs(state)
}
