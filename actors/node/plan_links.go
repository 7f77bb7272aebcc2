package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"time"

	"receptor/actors/links"
	"receptor/actors/supervise/brevity"
	"receptor/transport"
	"receptor/transport/tcp"
	"receptor/transport/udp"
	"receptor/transport/ws"
)

func (p *plan) tcpListener(c TCPListener) (*piece, error) {
	cfg, ids, err := p.serverTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	return listens("tcp-listener:", c.Addr, tcp.BindTLS(c.Addr, cfg), ids), nil
}

func (p *plan) tcpPeer(c TCPPeer) (*piece, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, err
	}
	cfg, ids, err := p.clientTLS(c.TLS, host)
	if err != nil {
		return nil, err
	}
	dialer, err := tcp.NewTLSDialer(c.Addr, cfg)
	if err != nil {
		return nil, err
	}
	return dials(dialer, c.Redial, ids), nil
}

func (p *plan) udpListener(c UDPListener) (*piece, error) {
	return listens("udp-listener:", c.Addr, udp.Bind(c.Addr), nil), nil
}

func (p *plan) udpPeer(c UDPPeer) (*piece, error) {
	dialer, err := udp.NewDialer(c.Addr)
	if err != nil {
		return nil, err
	}
	return dials(dialer, c.Redial, nil), nil
}

func (p *plan) wsListener(c WSListener) (*piece, error) {
	cfg, ids, err := p.serverTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	path := c.Path
	if path == "" {
		path = "/"
	}
	return listens("ws-listener:", c.Addr, p.webBinding(c.Addr, path, cfg), ids), nil
}

func (p *plan) wsPeer(c WSPeer) (*piece, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("address %s is not a valid URL: %w", c.URL, err)
	}
	cfg, ids, err := p.clientTLS(c.client(), u.Hostname())
	if err != nil {
		return nil, err
	}
	dialer, err := ws.NewDialer(c.URL, c.ExtraHeader, cfg)
	if err != nil {
		return nil, err
	}
	return dials(dialer, c.Redial, ids), nil
}

// webBinding opens a WebSocket listener that tells the log whom it refused, and why.
func (p *plan) webBinding(addr, path string, cfg *tls.Config) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := ws.Listen(addr, path, cfg)
		if err != nil {
			return nil, err
		}
		var strangers brevity.Brevity
		l.OnRefused(func(err error) {
			if log, ok := strangers.Logger(p.log, time.Now()); ok {
				log.Warn().Str("addr", l.Addr()).Err(err).Msg("connection refused")
			}
		})
		return l, nil
	})
}

// nodeIDs reads the node IDs that a link's certificates name; nil if they do not
// matter.
type nodeIDs = func([]*x509.Certificate) ([]string, error)

func (p *plan) serverTLS(name string) (*tls.Config, nodeIDs, error) {
	server, err := p.tls.Server(name)
	if err != nil || server == nil {
		return nil, nil, err
	}
	return server.Link(), func(shown []*x509.Certificate) ([]string, error) {
		return server.PeerNodeIDs(tls.ConnectionState{PeerCertificates: shown})
	}, nil
}

func (p *plan) clientTLS(name, host string) (*tls.Config, nodeIDs, error) {
	client, err := p.tls.Client(name)
	if err != nil || client == nil {
		return nil, nil, err
	}
	return client.Link(host), func(shown []*x509.Certificate) ([]string, error) {
		return client.PeerNodeIDs(tls.ConnectionState{PeerCertificates: shown})
	}, nil
}

// listens is a backend that is named after the address that it was given.
func listens(kind, addr string, binding *transport.Binding[transport.Listener], ids nodeIDs) *piece {
	b := &links.Backend{Name: kind + addr, Binding: binding, NodeIDs: ids}
	add := addBackend(b)
	opened := opens(binding, nil)
	opened.prepare = func() error {
		l, err := binding.Prepare()
		if err == nil {
			addr = l.Addr()
			b.Name = kind + addr
		}
		return err
	}
	return &piece{sockets: []socket{opened}, add: func(w *wanted, version uint64, tuned any) {
		w.addrs = append(w.addrs, addr)
		add(w, version, tuned)
	}}
}

func dials(dialer transport.Dialer, redial bool, ids nodeIDs) *piece {
	return &piece{add: addBackend(&links.Backend{Name: dialer.Name(), Dialer: dialer, Redial: redial, NodeIDs: ids})}
}
