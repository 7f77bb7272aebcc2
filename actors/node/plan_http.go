package node

import (
	"errors"
	"net"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/inspect/web"
	"receptor/actors/node/change"
	routerv1 "receptor/proto/router/v1"
	workv1 "receptor/proto/work/v1"
	"receptor/transport"
	"receptor/transport/unixsock"
)

// httpMode is the mode of the HTTP server's Unix socket: the node's own user.
const httpMode = 0o600

func (c Config) httpParts() []part {
	if c.HTTP.Addr == "" {
		return nil
	}
	var holds []string
	if !strings.Contains(c.HTTP.Addr, "/") {
		holds = port("tcp", c.HTTP.Addr)
	}
	item := change.Item{Key: "web/http:" + c.HTTP.Addr, Made: c.HTTP, Holds: holds}
	return []part{{Item: item, make: func(*plan) (*piece, error) { return httpPiece(c.HTTP), nil }}}
}

// httpPiece opens the address at which the node can be looked at.
func httpPiece(c HTTP) *piece {
	binding := transport.NewBinding(func() (net.Listener, error) { return listenHTTP(c.Addr) })
	return &piece{
		sockets: []socket{opens(binding, saying("HTTP can't listen"))},
		add: func(w *wanted, version uint64, _ any) {
			w.pages = append(w.pages, web.Listener{
				Name: "http:" + c.Addr, Version: version, Binding: binding, AnyHost: c.AnyHost,
			})
		},
	}
}

func listenHTTP(addr string) (net.Listener, error) {
	if !strings.Contains(addr, "/") {
		return net.Listen("tcp", addr)
	}
	l, err := unixsock.Listen(addr, httpMode).Open()
	if err != nil {
		return nil, err
	}
	return streamListener{l}, nil
}

// streamListener is a listener for streams as libraries want it.
type streamListener struct{ transport.StreamListener }

func (l streamListener) Accept() (net.Conn, error) { return l.StreamListener.Accept() }

func (p *plan) web(map[string]*actor.PID) func() actor.Actor {
	return web.New(web.Config{
		Log: p.log, Listeners: p.pages,
		Source: web.Source{
			Inspector: p.inspector, Units: p.listUnits,
			Router: func() (*routerv1.Status, error) {
				return ask[*routerv1.Status](p.system, rootName+"/"+familyRouter, &routerv1.GetStatus{})
			},
		},
	})
}

func (p *plan) listUnits(q *workv1.ListUnits) ([]*workv1.Status, error) {
	reply, err := ask[*workv1.ListUnitsReply](p.system, rootName+"/"+familyWork, q)
	if err != nil {
		return nil, err
	}
	if no := reply.GetRefused(); no != nil {
		return nil, errors.New(no.GetText())
	}
	return reply.GetUnits().GetUnits(), nil
}
