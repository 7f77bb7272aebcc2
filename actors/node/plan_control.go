package node

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"receptor/actors/control"
	routerv1 "receptor/proto/router/v1"
)

var errNoListeners = errors.New("no listeners specified")

// openControl opens the control services: mesh service, Unix socket and TCP port,
// each where it is configured.
func (p *plan) openControl() error {
	for _, c := range p.cfg.ControlServices {
		if c.Service == "" && c.SocketPath == "" && c.TCPListen == "" {
			return errNoListeners
		}
		for _, open := range []func(ControlService) error{p.controlMesh, p.controlUnix, p.controlTCP} {
			if err := open(c); err != nil {
				return err
			}
		}
		p.log.Info().Msg("Running control service " + c.Service)
	}
	return nil
}

func (p *plan) controlMesh(c ControlService) error {
	if c.Service == "" {
		return nil
	}
	binding := p.meshBinding(c.Service, c.TLS)
	if _, err := prepare(p, binding); err != nil {
		// The words of the existing system, which says so for every listener.
		return fmt.Errorf("error opening Unix socket: %w", err)
	}
	p.listeners = append(p.listeners, control.Listener{
		Name: "mesh:" + c.Service, Binding: binding,
		Advertise: &routerv1.Advertise{
			Service: c.Service, ConnType: connType(c.TLS),
			Tags: map[string]string{"type": "Control Service"},
		},
	})
	return nil
}

func (p *plan) controlUnix(c ControlService) error {
	if c.SocketPath == "" {
		return nil
	}
	binding := control.ListenUnix(c.SocketPath, c.SocketMode)
	if _, err := prepare(p, binding); err != nil {
		return err
	}
	p.listeners = append(p.listeners, control.Listener{
		Name: p.socketName(c.SocketPath), Trusted: true, Binding: binding,
	})
	return nil
}

func (p *plan) controlTCP(c ControlService) error {
	if c.TCPListen == "" {
		return nil
	}
	cfg, _, err := p.serverTLS(c.TCPTLS)
	if err != nil {
		return err
	}
	binding := control.ListenTCP(c.TCPListen, cfg, p.log)
	if _, err := prepare(p, binding); err != nil {
		return err
	}
	p.listeners = append(p.listeners, control.Listener{Name: "tcp:" + c.TCPListen, Binding: binding})
	return nil
}

// connType is how a stream service with that TLS server is advertised.
func connType(tls string) routerv1.ConnType {
	if tls != "" {
		return routerv1.ConnType_CONN_TYPE_STREAM_TLS
	}
	return routerv1.ConnType_CONN_TYPE_STREAM
}

// socketName names the listener of a Unix socket after its file; sockets in
// different directories may share that.
func (p *plan) socketName(path string) string {
	base := "unix:" + filepath.Base(path)
	name := base
	for n := 2; slices.ContainsFunc(p.listeners, func(l control.Listener) bool { return l.Name == name }); n++ {
		name = fmt.Sprintf("%s#%d", base, n)
	}
	return name
}
