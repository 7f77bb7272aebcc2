package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"receptor/transport/secure/cert"
)

const (
	clientCAs = "client CAs"
	rootCAs   = "root CAs"
)

var errNameless = errors.New("must provide a name")

// Server is a tls-server: how the node answers who dials it.
type Server struct {
	opts  ServerOptions
	files *material
	pins  []cert.Fingerprint
	now   func() time.Time
}

func newServer(opts ServerOptions, env Config) (*Server, error) {
	if opts.Name == "" {
		return nil, errNameless
	}
	pins, err := cert.ParseFingerprints(opts.PinnedClientCert)
	if err != nil {
		return nil, fmt.Errorf("error decoding fingerprints: %w", err)
	}
	f := files{cert: opts.Cert, key: opts.Key, cas: opts.ClientCAs, casName: clientCAs, section: opts.Name}
	if !opts.SkipReceptorNamesCheck {
		f.node = env.NodeID
	}
	m, err := newMaterial(f, "tls-server "+opts.Name, env)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, files: m, pins: pins, now: env.Now}
	if len(pins) > 0 && !s.asks() {
		m.log.Warn().Str("tls", m.label).Msg("pinnedclientcert has no effect without requireclientcert: clients are not asked for a certificate")
	}
	return s, nil
}

// asks reports whether a client has to show a certificate. CAs for clients are
// enough to ask for one: existing nodes refuse clients without, and a network
// that relies on it must not open up when a node is replaced.
func (s *Server) asks() bool { return s.opts.RequireClientCert || s.opts.ClientCAs != "" }

// Link is the configuration for links and for the control service over TCP. The
// caller may change it, for instance set protocols.
func (s *Server) Link() *tls.Config {
	cfg := s.base()
	s.verifyWith(cfg, s.verifier())
	return cfg
}

// Mesh is the configuration for a service of the mesh. nodeOf tells the node from
// the address that datagrams come from; the certificate of a client has to name
// it, if one is required.
func (s *Server) Mesh(protocols []string, nodeOf func(net.Addr) string) *tls.Config {
	cfg := s.base()
	cfg.MinVersion = tls.VersionTLS13
	cfg.NextProtos = protocols
	cfg.SessionTicketsDisabled = true // no dialer uses them
	verify := s.verifier()
	verify.byNode = s.opts.RequireClientCert
	s.verifyMesh(cfg, verify)
	if !verify.byNode {
		return cfg
	}
	outer := cfg.Clone() // alone it lets nobody in
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		inner, bound := cfg.Clone(), verify
		bound.node = nodeOf(hello.Conn.RemoteAddr())
		s.verifyMesh(inner, bound)
		return inner, nil
	}
	return outer
}

func (s *Server) base() *tls.Config {
	cfg := parameters(s.opts.MinTLS13)
	cfg.Time = s.now
	cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.files.certificate(), nil }
	return cfg
}

func (s *Server) verifier() verifier {
	return verifier{role: "client", trust: s.files, now: s.now, usage: x509.ExtKeyUsageClientAuth, pins: s.pins}
}

// verifyWith asks for the client's certificate, if it has to show one. The CAs
// are not told to it: what it has it shows, and hears what is wrong with it.
func (s *Server) verifyWith(cfg *tls.Config, v verifier) {
	if !s.asks() {
		return
	}
	cfg.ClientAuth = tls.RequireAnyClientCert
	cfg.VerifyConnection = v.check
}

// verifyMesh does the same for a service of the mesh. QUIC keeps a hand-shake that
// failed to itself, so it is logged here, also that there was no certificate at all.
func (s *Server) verifyMesh(cfg *tls.Config, v verifier) {
	if !s.asks() {
		return
	}
	cfg.ClientAuth = tls.RequestClientCert
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		err := v.check(state)
		if err != nil {
			s.files.log.Warn().Str("tls", s.files.label).Str("node", v.node).Err(err).Msg("TLS handshake error")
		}
		return err
	}
}

// PeerNodeIDs are the node IDs that the certificate of a link's peer names; nil
// if it has none, or has none that was verified. The node ID that the peer gives
// itself has to be one of them.
func (s *Server) PeerNodeIDs(state tls.ConnectionState) ([]string, error) {
	if !s.asks() {
		return nil, nil
	}
	return peerNodeIDs(state)
}

func peerNodeIDs(state tls.ConnectionState) ([]string, error) {
	if len(state.PeerCertificates) == 0 {
		return nil, nil
	}
	return cert.NodeIDs(state.PeerCertificates[0])
}
