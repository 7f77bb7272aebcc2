package node

import (
	"crypto/tls"
	"net"

	"github.com/rs/zerolog"

	"receptor/actors/control/command"
	"receptor/transport/secure"
)

func newEmptyStore(cfg Config, log zerolog.Logger) *secure.Store {
	return secure.NewStore(secure.Config{NodeID: cfg.ID, Log: log})
}

// newStore loads the TLS configurations and checks them.
func newStore(cfg Config, log zerolog.Logger) (*secure.Store, error) {
	store := newEmptyStore(cfg, log)
	for _, s := range cfg.TLSServers {
		if err := store.AddServer(s); err != nil {
			return nil, err
		}
	}
	for _, c := range cfg.TLSClients {
		if err := store.AddClient(c); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// credentials are the store's configurations as streams of the mesh need them.
type credentials struct{ store *secure.Store }

func (c credentials) Client(name, node string, protocols []string) (*tls.Config, error) {
	client, err := c.store.Client(name)
	if err != nil {
		return nil, err
	}
	return client.Mesh(node, protocols), nil
}

func (c credentials) Server(name string, protocols []string, nodeOf func(net.Addr) string) (*tls.Config, error) {
	server, err := c.store.Server(name)
	if err != nil {
		return nil, err
	}
	return server.Mesh(protocols, nodeOf), nil
}

// expiring are the node's certificates that expire soon, for the status.
func (p *plan) expiring() []command.Certificate {
	var soon []command.Certificate
	for _, c := range p.store.Certificates() {
		if c.Soon {
			soon = append(soon, command.Certificate{Config: c.Config, File: c.File, Expires: c.Expires})
		}
	}
	return soon
}
