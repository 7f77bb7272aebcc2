package secure

import (
	"fmt"
	"maps"
	"reflect"
)

// Renew returns a Store with other configurations, and leaves this one alone. Those
// with the same options as here are taken over; their files have to be good, too.
func (s *Store) Renew(servers []ServerOptions, clients []ClientOptions) (*Store, error) {
	next := NewStore(s.cfg)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, opts := range servers {
		old := s.servers[opts.Name]
		if old == nil || !reflect.DeepEqual(old.opts, opts) {
			if err := next.AddServer(opts); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := old.files.files.load(); err != nil {
			return nil, fmt.Errorf("error preparing tls server config: %w", err)
		}
		next.servers[opts.Name] = old
	}
	for _, opts := range clients {
		old := s.clients[opts.Name]
		if old == nil || !reflect.DeepEqual(old.opts, opts) {
			if err := next.AddClient(opts); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := old.files.files.load(); err != nil {
			return nil, fmt.Errorf("error preparing tls client config: %w", err)
		}
		next.clients[opts.Name] = old
	}
	return next, nil
}

// Become takes over what another Store has. Connections that were made with what
// goes go on.
func (s *Store) Become(other *Store) {
	other.mu.RLock()
	servers, clients := maps.Clone(other.servers), maps.Clone(other.clients)
	other.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers, s.clients = servers, clients
}
