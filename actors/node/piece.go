package node

import (
	"errors"

	"receptor/actors/control"
	"receptor/actors/inspect/web"
	"receptor/actors/links"
	"receptor/actors/services"
	"receptor/transport"
)

// piece is a part made ready: what its family needs to run it.
type piece struct {
	part    part
	version uint64 // given once and never again
	sockets []socket
	// late says that its sockets can't be opened while the configuration before is in
	// force.
	late bool
	add  func(w *wanted, version uint64, tuned any)
}

// wanted is what the families should run.
type wanted struct {
	addrs     []string // of listeners for links
	backends  []links.Backend
	services  services.Set
	listeners []control.Listener
	pages     []web.Listener
}

// socket is a binding, whatever it opens.
type socket struct {
	prepare func() error
	release func() error // closes what nobody has taken
}

// opens describes the socket of a binding. A nil wrap leaves errors as they are.
func opens[L interface{ Close() error }](b *transport.Binding[L], wrap func(error) error) socket {
	return socket{
		prepare: func() error {
			_, err := b.Prepare()
			if err != nil && wrap != nil {
				err = wrap(err)
			}
			return err
		},
		release: func() error {
			if l, ok := b.Take(); ok {
				return l.Close()
			}
			return nil
		},
	}
}

// open opens all sockets, or none.
func (p *piece) open() error {
	for _, s := range p.sockets {
		if err := s.prepare(); err != nil {
			return errors.Join(err, p.close())
		}
	}
	return nil
}

// close closes the sockets that no actor has taken.
func (p *piece) close() error {
	var errs []error
	for i := len(p.sockets) - 1; i >= 0; i-- {
		errs = append(errs, p.sockets[i].release())
	}
	return errors.Join(errs...)
}

// addBackend adds a backend with the rules of the moment.
func addBackend(b *links.Backend) func(*wanted, uint64, any) {
	return func(w *wanted, version uint64, tuned any) {
		rules := tuned.(LinkRules)
		add := *b
		add.Version = version
		add.Cost, add.NodeCost, add.AllowedPeers, add.AnyPeer = rules.Cost, rules.NodeCost, rules.AllowedPeers, rules.AnyPeer
		w.backends = append(w.backends, add)
	}
}

// all says what the families should run.
func all(pieces []*piece) wanted {
	var w wanted
	for _, p := range pieces {
		p.add(&w, p.version, p.part.Tuned)
	}
	return w
}
