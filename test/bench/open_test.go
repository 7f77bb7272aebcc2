package bench

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/actors/node"
)

// BenchmarkOpen is one whole connection through the proxies of two nodes: connect,
// one byte there and back, close. The reference is bare quic-go on the same way: what
// no stream that QUIC carries can be faster than. Direct is without anything between.
//
//	client ─► tcp-server ─► link ─► tcp-client ─► echo
func BenchmarkOpen(b *testing.B) {
	b.Run("proxied", func(b *testing.B) { benchmarkOpen(b, proxied(b, echo(b))) })
	b.Run("reference", func(b *testing.B) { benchmarkOpen(b, quicProxied(b, echo(b))) })
	b.Run("direct", func(b *testing.B) { benchmarkOpen(b, echo(b)) })
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

// quicProxied is an address that leads to target over streams of bare quic-go.
func quicProxied(b *testing.B, target string) string {
	near, accept := quicPair(b)
	go func() {
		for {
			s, err := accept(b.Context())
			if err != nil {
				return
			}
			go func() {
				if c, err := net.Dial("tcp", target); err == nil {
					join(c, s)
				}
			}()
		}
	}()
	return serve(b, func(c net.Conn) {
		if s, err := near.OpenStreamSync(b.Context()); err == nil {
			join(c, s)
		}
	})
}

// join copies both ways until both have ended. What goes wrong the client tells.
func join(c net.Conn, s *quic.Stream) {
	defer c.Close()
	go func() {
		copyAll(s, c)
		_ = s.Close()
	}()
	copyAll(c, s)
}

var copyBuffers = sync.Pool{New: func() any { return make([]byte, piece) }}

func copyAll(to io.Writer, from io.Reader) {
	buf := copyBuffers.Get().([]byte)
	defer copyBuffers.Put(buf) //nolint:staticcheck // a slice's header costs 24 bytes
	_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, buf)
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
	return serve(b, func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(struct{ io.Writer }{c}, c) // the client tells what went wrong
	})
}

// serve gives each client a goroutine that has to close it.
func serve(b *testing.B, client func(c net.Conn)) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go client(c)
		}
	}()
	return l.Addr().String()
}
