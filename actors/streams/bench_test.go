package streams

import (
	"context"
	"io"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/rs/zerolog"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/transport/mesh"
)

const blockSize = 1 << 20

// benchPair is a pair without a stage, which is for tests.
func benchPair(b *testing.B) (x, y *host) {
	b.Helper()
	system := actor.NewActorSystem()
	x, y = newHost("a", "b", zerolog.Nop()), newHost("b", "a", zerolog.Nop())
	for _, h := range []*host{x, y} {
		h.pid = system.Root.Spawn(actor.PropsFromProducer(New(Config{Log: zerolog.Nop(), Network: h.net})))
	}
	cable := join(x.plane, y.plane, quality{})
	b.Cleanup(func() {
		for _, h := range []*host{x, y} {
			if err := system.Root.StopFuture(h.pid).Wait(); err != nil {
				b.Error(err)
			}
		}
		cable.cut()
		system.Shutdown()
	})
	return x, y
}

// push writes blocks until the benchmark is over and waits for the far end.
func push(b *testing.B, w io.Writer, end func() error, read <-chan error) {
	b.Helper()
	block := make([]byte, blockSize)
	b.SetBytes(blockSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	if err := end(); err != nil {
		b.Fatal(err)
	}
	if err := <-read; err != nil {
		b.Fatal(err)
	}
}

func discard(r io.Reader) <-chan error {
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 128<<10)
		for {
			if _, err := r.Read(buf); err != nil {
				if err == io.EOF {
					err = nil
				}
				done <- err
				return
			}
		}
	}()
	return done
}

func BenchmarkStream(b *testing.B) {
	b.Run("1MiB", func(b *testing.B) {
		x, y := benchPair(b)
		l := y.listen(b, "sink")
		c := x.dial(b, "b", "sink")
		far, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		push(b, c, c.CloseWrite, discard(far))
	})
}

// BenchmarkQUIC is the library alone over the same sockets.
func BenchmarkQUIC(b *testing.B) {
	b.Run("1MiB", func(b *testing.B) {
		x, y := benchPair(b)
		near, far := rawTransport(b, x.plane), rawTransport(b, y.plane)
		server, err := y.net.serverTLS("")
		if err != nil {
			b.Fatal(err)
		}
		client, err := x.net.clientTLS(key{})
		if err != nil {
			b.Fatal(err)
		}
		l, err := far.Listen(server, quicConfig(false))
		if err != nil {
			b.Fatal(err)
		}
		conn, err := near.Dial(context.Background(), far.Conn.LocalAddr(), client, quicConfig(true))
		if err != nil {
			b.Fatal(err)
		}
		s, err := conn.OpenStream()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Write([]byte{0}); err != nil {
			b.Fatal(err)
		}
		accepted, err := l.Accept(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		in, err := accepted.AcceptStream(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		push(b, s, s.Close, discard(in))
		if err := conn.CloseWithError(0, ""); err != nil {
			b.Fatal(err)
		}
	})
}

func rawTransport(b *testing.B, plane *mesh.Plane) *quic.Transport {
	b.Helper()
	socket, err := plane.Listen("", mesh.SocketOptions{Lossy: true})
	if err != nil {
		b.Fatal(err)
	}
	tr := &quic.Transport{Conn: datagrams{socket}}
	b.Cleanup(func() {
		if err := tr.Close(); err != nil {
			b.Error(err)
		}
		if err := socket.Close(); err != nil {
			b.Error(err)
		}
	})
	return tr
}

// BenchmarkOpen is a request and an answer of one byte each on a new stream.
func BenchmarkOpen(b *testing.B) {
	x, y := benchPair(b)
	l := y.listen(b, "echo")
	go serve(l, echo(b))
	exchange(b, x.dial(b, "b", "echo"), "0")
	b.ReportAllocs()
	for b.Loop() {
		exchange(b, x.dial(b, "b", "echo"), "0")
	}
}
