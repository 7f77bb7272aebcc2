package node

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"receptor/actors/streams"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// This file is what programs use that embed a node.

// askTimeout bounds a question to an actor that may be gone.
const askTimeout = 5 * time.Second

// Status is the network as the node sees it: connections, known nodes, routes and
// services.
func (n *Node) Status() (*routerv1.Status, error) {
	return ask[*routerv1.Status](n.system, rootName+"/"+familyRouter, &routerv1.GetStatus{})
}

// Tree is the tree of the node's actors.
func (n *Node) Tree() (*supervisev1.Tree, error) {
	return ask[*supervisev1.Tree](n.system, rootName, &supervisev1.GetTree{})
}

// family is where one of the root's children is found.
func (n *Node) family(name string) *actor.PID { return n.system.NewLocalPID(rootName + "/" + name) }

func ask[T proto.Message](system *actor.ActorSystem, path string, query proto.Message) (T, error) {
	res, err := system.Root.RequestFuture(system.NewLocalPID(path), query, askTimeout).Result()
	reply, ok := res.(T)
	if err == nil && !ok {
		err = fmt.Errorf("%s answered with %T", path, res)
	}
	return reply, err
}

// ListenAddrs are the addresses on which the node accepts links, as they were bound.
func (n *Node) ListenAddrs() []string { return n.plan.addrs.Load() }

// WaitForRoute waits until there is a route to a node, or ctx is done.
func (n *Node) WaitForRoute(ctx context.Context, target string) error {
	return n.plan.plane.WaitForRoute(ctx, target)
}

// Ping sends a probe to a node and waits for what comes back, at most
// mesh.PingTimeout.
func (n *Node) Ping(ctx context.Context, target string) mesh.PingResult {
	return n.plan.plane.Ping(ctx, target, wire.DefaultHops)
}

// Dial opens a stream to a service of a node: a net.Conn whose ends are closed one
// by one. It fails at once if there is no route to the node (mesh.ErrNoRoute; within half
// a second when a link has just ended, for there may be another way), or nobody listens
// on the service (streams.ErrServiceUnknown), and as a net.Error with Timeout if nobody
// answers. That ctx is done later does not matter to the stream.
func (n *Node) Dial(ctx context.Context, node, service string) (transport.StreamConn, error) {
	return n.plan.network.Dial(ctx, node, service, "")
}

// DialTLS does the same with a configured TLS client: the far end has to prove that
// it is the node.
func (n *Node) DialTLS(ctx context.Context, node, service, client string) (transport.StreamConn, error) {
	return n.plan.network.Dial(ctx, node, service, client)
}

// Listen accepts streams to a service of this node. The name has at most eight
// bytes; an empty one means a random one, which Addr tells. Closing the listener
// leaves alone what Accept has returned.
func (n *Node) Listen(service string) (net.Listener, error) { return n.ListenTLS(service, "") }

// ListenTLS does the same with a configured TLS server.
func (n *Node) ListenTLS(service, server string) (net.Listener, error) {
	l, err := n.plan.network.Listen(service, streams.ListenOptions{TLS: server})
	if err != nil {
		return nil, err
	}
	return listener{l}, nil
}

// listener is a StreamListener with the standard library's methods; what Accept
// returns is a transport.StreamConn all the same.
type listener struct{ transport.StreamListener }

func (l listener) Accept() (net.Conn, error) { return l.StreamListener.Accept() }

// Close keeps what was accepted, as other listeners do.
func (l listener) Close() error {
	if r, ok := l.StreamListener.(transport.Retirer); ok {
		return r.Retire()
	}
	return l.StreamListener.Close()
}

// ListenPacket opens a socket for datagrams, at most mesh.MaxPayload bytes each.
// Addresses are mesh.Addr. An empty name means a random one.
func (n *Node) ListenPacket(service string) (net.PacketConn, error) {
	s, err := n.plan.plane.Listen(service, mesh.SocketOptions{})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Advertise makes a service known to the mesh. It is no condition for being dialled.
func (n *Node) Advertise(service string, kind routerv1.ConnType, tags map[string]string) {
	n.system.Root.Send(n.system.NewLocalPID(rootName+"/"+familyRouter), &routerv1.Advertise{
		Service: service, ConnType: kind, Tags: tags,
	})
}
