package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"

	"receptor/actors/links"
	"receptor/transport"
	"receptor/transport/secure"
	"receptor/transport/tcp"
	"receptor/transport/udp"
	"receptor/transport/ws"
)

// openLinks opens every listening socket of a backend, and makes the dialers.
func (p *plan) openLinks() error {
	for _, open := range []func() error{p.openTCP, p.openUDP, p.openWS} {
		if err := open(); err != nil {
			return err
		}
	}
	p.backends = append(p.backends, p.cfg.Backends...)
	return nil
}

func (p *plan) openTCP() error {
	for _, c := range p.cfg.TCPListeners {
		cfg, ids, err := p.serverTLS(c.TLS)
		if err != nil {
			return err
		}
		if err := p.listen("tcp-listener:", tcp.BindTLS(c.Addr, cfg), c.LinkRules, ids); err != nil {
			return err
		}
	}
	for _, c := range p.cfg.TCPPeers {
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return err
		}
		cfg, ids, err := p.clientTLS(c.TLS, host)
		if err != nil {
			return err
		}
		dialer, err := tcp.NewTLSDialer(c.Addr, cfg)
		if err != nil {
			return err
		}
		p.dial(dialer, c.Redial, c.LinkRules, ids)
	}
	return nil
}

func (p *plan) openUDP() error {
	for _, c := range p.cfg.UDPListeners {
		if err := p.listen("udp-listener:", udp.Bind(c.Addr), c.LinkRules, nil); err != nil {
			return err
		}
	}
	for _, c := range p.cfg.UDPPeers {
		dialer, err := udp.NewDialer(c.Addr)
		if err != nil {
			return err
		}
		p.dial(dialer, c.Redial, c.LinkRules, nil)
	}
	return nil
}

func (p *plan) openWS() error {
	for _, c := range p.cfg.WSListeners {
		cfg, ids, err := p.serverTLS(c.TLS)
		if err != nil {
			return err
		}
		path := c.Path
		if path == "" {
			path = "/"
		}
		if err := p.listen("ws-listener:", p.webBinding(c.Addr, path, cfg), c.LinkRules, ids); err != nil {
			return err
		}
	}
	for _, c := range p.cfg.WSPeers {
		cfg, ids, err := p.webTLS(c)
		if err != nil {
			return err
		}
		dialer, err := ws.NewDialer(c.URL, c.ExtraHeader, cfg)
		if err != nil {
			return err
		}
		p.dial(dialer, c.Redial, c.LinkRules, ids)
	}
	return nil
}

// webBinding opens a WebSocket listener that tells the log whom it refused, and why.
func (p *plan) webBinding(addr, path string, cfg *tls.Config) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := ws.Listen(addr, path, cfg)
		if err != nil {
			return nil, err
		}
		l.OnRefused(func(err error) { p.log.Warn().Str("addr", l.Addr()).Err(err).Msg("connection refused") })
		return l, nil
	})
}

// webTLS is how a WebSocket peer is proven. Without a name it is the client called
// "default", which believes whom the system believes unless it was configured.
func (p *plan) webTLS(c WSPeer) (*tls.Config, nodeIDs, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("address %s is not a valid URL: %w", c.URL, err)
	}
	if u.Scheme != "wss" {
		return nil, nil, nil
	}
	name := c.TLS
	if name == "" {
		name = secure.DefaultClient
	}
	return p.clientTLS(name, u.Hostname())
}

// nodeIDs reads the node IDs that a link's certificates name; nil if they do not
// matter.
type nodeIDs = func([]*x509.Certificate) ([]string, error)

func (p *plan) serverTLS(name string) (*tls.Config, nodeIDs, error) {
	server, err := p.store.Server(name)
	if err != nil || server == nil {
		return nil, nil, err
	}
	return server.Link(), func(shown []*x509.Certificate) ([]string, error) {
		return server.PeerNodeIDs(tls.ConnectionState{PeerCertificates: shown})
	}, nil
}

func (p *plan) clientTLS(name, host string) (*tls.Config, nodeIDs, error) {
	client, err := p.store.Client(name)
	if err != nil || client == nil {
		return nil, nil, err
	}
	return client.Link(host), func(shown []*x509.Certificate) ([]string, error) {
		return client.PeerNodeIDs(tls.ConnectionState{PeerCertificates: shown})
	}, nil
}

func (p *plan) listen(kind string, binding *transport.Binding[transport.Listener], rules LinkRules, ids nodeIDs) error {
	l, err := prepare(p, binding)
	if err != nil {
		return err
	}
	p.addrs = append(p.addrs, l.Addr())
	p.backends = append(p.backends, links.Backend{
		Name: kind + l.Addr(), Binding: binding, NodeIDs: ids,
		Cost: rules.Cost, NodeCost: rules.NodeCost, AllowedPeers: rules.AllowedPeers, AnyPeer: rules.AnyPeer,
	})
	return nil
}

func (p *plan) dial(dialer transport.Dialer, redial bool, rules LinkRules, ids nodeIDs) {
	p.backends = append(p.backends, links.Backend{
		Name: dialer.Name(), Dialer: dialer, Redial: redial, NodeIDs: ids,
		Cost: rules.Cost, AllowedPeers: rules.AllowedPeers, AnyPeer: rules.AnyPeer,
	})
}
