package bench

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"receptor/actors/node"
)

// BenchmarkOpen is one whole connection through the proxies of two nodes: connect,
// one byte there and back, close.
//
//	client ─► tcp-server ─► link ─► tcp-client ─► echo
func BenchmarkOpen(b *testing.B) {
	b.Run("proxied", func(b *testing.B) { benchmarkOpen(b, proxied(b, echo(b))) })
	b.Run("reference", func(b *testing.B) { benchmarkOpen(b, echo(b)) })
}

func benchmarkOpen(b *testing.B, addr string) {
	once(b, addr)
	b.ReportAllocs()
	for b.Loop() {
		once(b, addr)
	}
}

// once is what one client does.
func once(b *testing.B, addr string) {
	c, err := net.Dial("tcp", addr)
	must(b, err)
	_, err = c.Write([]byte{'x'})
	must(b, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	must(b, err)
	must(b, c.Close())
}

// proxied is an address that leads to target over the mesh.
func proxied(b *testing.B, target string) string {
	rules := node.LinkRules{Cost: 1, AnyPeer: true}
	entry := unused(b)
	x := start(b, node.Config{
		ID: "x", TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}},
		Services: node.Services{TCPClients: []node.TCPClient{{Service: "echo", Addr: target}}},
	})
	y := start(b, node.Config{
		ID: "y", TCPPeers: []node.TCPPeer{{Addr: x.ListenAddrs()[0], Redial: true, LinkRules: rules}},
		Services: node.Services{TCPServers: []node.TCPServer{{Addr: entry, RemoteNode: "x", RemoteService: "echo"}}},
	})
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	must(b, y.WaitForRoute(ctx, "x"))
	must(b, x.WaitForRoute(ctx, "y"))
	return entry
}

// unused is an address on which nobody listens.
func unused(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	defer l.Close()
	return l.Addr().String()
}

// echo sends everything back.
func echo(b *testing.B) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(struct{ io.Writer }{c}, c) // the client tells what went wrong
			}()
		}
	}()
	return l.Addr().String()
}
