package node

import (
	"path/filepath"

	"receptor/actors/control"
	routerv1 "receptor/proto/router/v1"
)

func (p *plan) controlMesh(c ControlService) (*piece, error) {
	// The words of the existing system, which says so for every listener.
	wrap := saying("error opening Unix socket")
	if _, err := p.tls.Server(c.TLS); err != nil {
		return nil, wrap(err)
	}
	binding := p.meshBinding(c.Service, c.TLS)
	return &piece{
		late: c.TLS != "", sockets: []socket{opens(binding, wrap)},
		add: func(w *wanted, version uint64, _ any) {
			w.listeners = append(w.listeners, control.Listener{
				Name: "mesh:" + c.Service, Version: version, Binding: binding,
				Advertise: &routerv1.Advertise{
					Service: c.Service, ConnType: connType(c.TLS), Tags: map[string]string{"type": "Control Service"},
				},
			})
		},
	}, nil
}

// controlUnix names the listener after its file; sockets in different directories
// may share that.
func (p *plan) controlUnix(c ControlService) (*piece, error) {
	binding := control.ListenUnix(c.SocketPath, c.SocketMode)
	return &piece{
		sockets: []socket{opens(binding, nil)},
		add: func(w *wanted, version uint64, _ any) {
			w.listeners = append(w.listeners, control.Listener{
				Name: "unix:" + filepath.Base(c.SocketPath), Version: version, Trusted: true, Binding: binding,
			})
		},
	}, nil
}

func (p *plan) controlTCP(c ControlService) (*piece, error) {
	cfg, _, err := p.serverTLS(c.TCPTLS)
	if err != nil {
		return nil, err
	}
	binding := control.ListenTCP(c.TCPListen, cfg, p.log)
	return &piece{
		sockets: []socket{opens(binding, nil)},
		add: func(w *wanted, version uint64, _ any) {
			w.listeners = append(w.listeners, control.Listener{
				Name: "tcp:" + c.TCPListen, Version: version, Binding: binding,
			})
		},
	}, nil
}

// connType is how a stream service with that TLS server is advertised.
func connType(tls string) routerv1.ConnType {
	if tls != "" {
		return routerv1.ConnType_CONN_TYPE_STREAM_TLS
	}
	return routerv1.ConnType_CONN_TYPE_STREAM
}
