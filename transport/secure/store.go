package secure

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Config is what all configurations of a node share.
type Config struct {
	NodeID string
	Log    zerolog.Logger
	Now    func() time.Time // nil: the clock
}

// Store holds the configurations of a node by name. Any goroutine may use it.
type Store struct {
	cfg Config

	mu      sync.RWMutex
	servers map[string]*Server
	clients map[string]*Client
}

// NewStore returns a Store with nothing in it but the client "default".
func NewStore(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{cfg: cfg, servers: map[string]*Server{}, clients: map[string]*Client{DefaultClient: builtIn(cfg)}}
}

// AddServer loads a tls-server; one of the same name is replaced.
func (s *Store) AddServer(opts ServerOptions) error {
	server, err := newServer(opts, s.cfg)
	if err != nil {
		return fmt.Errorf("error preparing tls server config: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers[opts.Name] = server
	return nil
}

// AddClient loads a tls-client; one of the same name is replaced.
func (s *Store) AddClient(opts ClientOptions) error {
	client, err := newClient(opts, s.cfg)
	if err != nil {
		return fmt.Errorf("error preparing tls client config: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[opts.Name] = client
	return nil
}

// Server returns a tls-server; nil, and no error, for the empty name.
func (s *Store) Server(name string) (*Server, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return find(s.servers, name)
}

// Client returns a tls-client; nil, and no error, for the empty name. The client
// "default" is always there: it believes whom the system believes.
func (s *Store) Client(name string) (*Client, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return find(s.clients, name)
}

func find[T any](among map[string]*T, name string) (*T, error) {
	if name == "" {
		return nil, nil
	}
	found, ok := among[name]
	if !ok {
		return nil, fmt.Errorf("unknown TLS config %s", name)
	}
	return found, nil
}

func (s *Store) all() []*material {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []*material
	for _, server := range s.servers {
		list = append(list, server.files)
	}
	for _, client := range s.clients {
		list = append(list, client.files)
	}
	return list
}
