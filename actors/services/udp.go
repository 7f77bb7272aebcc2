package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// associationRing is how many answers wait for one UDP client.
const associationRing = 256

// ListenUDP listens on host:port.
func ListenUDP(addr string) *transport.Binding[*net.UDPConn] {
	return transport.NewBinding(func() (*net.UDPConn, error) {
		local, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			return nil, fmt.Errorf("could not resolve address %s: %w", addr, err)
		}
		c, err := net.ListenUDP("udp", local)
		if err != nil {
			return nil, fmt.Errorf("error listening on UDP: %w", err)
		}
		return c, nil
	})
}

// ListenDatagrams listens on a service of the mesh.
func ListenDatagrams(plane *mesh.Plane, service string) *transport.Binding[*mesh.Socket] {
	return transport.NewBinding(func() (*mesh.Socket, error) {
		s, err := plane.Listen(service, mesh.SocketOptions{})
		if errors.Is(err, mesh.ErrServiceInUse) {
			err = fmt.Errorf("%w and advertising", err)
		}
		if err != nil {
			return nil, fmt.Errorf("error listening on service %s: %w", service, err)
		}
		return s, nil
	})
}

// CheckUDPAddr reports an address that no UDP client could dial.
func CheckUDPAddr(addr string) error {
	if _, err := net.ResolveUDPAddr("udp", addr); err != nil {
		return fmt.Errorf("could not resolve UDP address %s: %w", addr, err)
	}
	return nil
}

// udpServer has a socket of the mesh for each UDP client.
func (s *services) udpServer(c UDPServer) proxyConfig {
	node := c.RemoteNode
	if mesh.IsLocalhost(node) {
		node = s.cfg.Plane.NodeID()
	}
	target := mesh.Addr{Node: node, Service: c.RemoteService}
	return proxyConfig{
		service: c.RemoteService, target: target.String(),
		open: func(out proxySink) (intake, error) {
			conn, err := c.Binding.Open()
			if err != nil {
				return nil, err
			}
			return s.receiver(udpShore{conn}, target.String(), out, func(_ context.Context, t *troubles) (io.ReadWriteCloser, error) {
				return dialMesh(s.cfg.Plane, target, t)
			}), nil
		},
	}
}

// udpClient has a UDP socket for each service of the mesh that sends to it.
func (s *services) udpClient(c UDPClient) proxyConfig {
	return proxyConfig{
		service: c.Service, target: c.Addr,
		open: func(out proxySink) (intake, error) {
			socket, err := c.Binding.Open()
			if err != nil {
				return nil, err
			}
			return s.receiver(meshShore{socket}, c.Addr, out, func(ctx context.Context, _ *troubles) (io.ReadWriteCloser, error) {
				d := net.Dialer{Timeout: tcpDialWait}
				return d.DialContext(ctx, "udp", c.Addr)
			}), nil
		},
		router: s.cfg.Router,
		advert: &routerv1.Advertise{
			Service: c.Service, ConnType: routerv1.ConnType_CONN_TYPE_DATAGRAM_UNSPECIFIED,
			Tags: map[string]string{"type": "UDP Proxy", "address": c.Addr},
		},
	}
}

func (s *services) receiver(
	near shore, target string, out proxySink, dial func(context.Context, *troubles) (io.ReadWriteCloser, error),
) *receiver {
	r := &receiver{
		near: near, dial: dial, maxIdle: s.cfg.MaxIdle, out: out,
		table:   newAssociations(s.cfg.MaxAssociations, s.cfg.Courtesy),
		trouble: &troubles{out: out, target: target}, done: make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// udpShore takes datagrams of UDP clients.
type udpShore struct{ *net.UDPConn }

func (s udpShore) receive(b []byte) (int, peer, error) {
	n, from, err := s.ReadFromUDPAddrPort(b)
	return n, peer{udp: from}, err
}

func (s udpShore) answer(b []byte, to peer) error {
	_, err := s.WriteToUDPAddrPort(b, to.udp)
	return err
}

// meshShore takes datagrams of services of the mesh.
type meshShore struct{ *mesh.Socket }

func (s meshShore) receive(b []byte) (int, peer, error) {
	n, from, err := s.ReadFrom(b)
	if err != nil {
		return 0, peer{}, err
	}
	return n, peer{mesh: from.(*mesh.Addr)}, nil
}

func (s meshShore) answer(b []byte, to peer) error {
	_, err := s.WriteTo(b, to.mesh)
	return err
}

// meshConn is a socket of its own towards one service.
type meshConn struct {
	*mesh.Socket
	to   mesh.Addr
	dest net.Addr // to, as WriteTo wants it
}

// dialMesh never waits: whether somebody is there shows when something is sent.
func dialMesh(plane *mesh.Plane, to mesh.Addr, t *troubles) (io.ReadWriteCloser, error) {
	s, err := plane.Listen("", mesh.SocketOptions{
		Ring: associationRing,
		OnUnreachable: func(u wire.Unreachable, _ string) {
			if u.ToNode == to.Node && u.ToService == to.Service {
				t.failed(problem(u.Problem))
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return &meshConn{Socket: s, to: to, dest: to}, nil
}

// problemLen bounds what a stranger can write into the log.
const problemLen = 100

func problem(text string) error {
	return errors.New(strings.ToValidUTF8(text[:min(len(text), problemLen)], ""))
}

func (c *meshConn) Write(b []byte) (int, error) { return c.WriteTo(b, c.dest) }

// Read returns the next datagram of the service; others' are no answer.
func (c *meshConn) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return 0, err
		}
		if a := from.(*mesh.Addr); a.Node == c.to.Node && a.Service == c.to.Service {
			return n, nil
		}
	}
}
