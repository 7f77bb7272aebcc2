package tcp

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"testing"

	"receptor/transport"
	"receptor/transport/internal/authority"
	"receptor/transport/internal/socket"
)

// overTLS is a dialled connection over a socket of the test's own.
func overTLS(t testing.TB, stream net.Conn, cfg *tls.Config) *Conn {
	t.Helper()
	secure := socket.Client(stream, socket.Config(cfg), "127.0.0.1")
	if err := secure.Shake(t.Context()); err != nil {
		t.Fatal(err)
	}
	return newTLSConn(secure)
}

// BenchmarkConn moves batches of frames over loopback.
func BenchmarkConn(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmark(b, nil, nil) })
	b.Run("tls", func(b *testing.B) {
		ca := authority.New(b)
		benchmark(b, ca.Server(b), ca.Client())
	})
}

func benchmark(b *testing.B, server, client *tls.Config) {
	l := listenTLS(b, server)
	dialled := make(chan transport.Conn, 1)
	go func() {
		defer close(dialled)
		conn, err := dialTLS(b, l.Addr(), client)
		if err != nil {
			b.Error(err)
			return
		}
		dialled <- conn
	}()
	far, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			f, err := far.ReadFrame()
			if err != nil {
				return
			}
			f.Free()
		}
	}()
	near := <-dialled
	if near == nil {
		b.FailNow()
	}
	const size = 1200
	batch := batchOf(slices.Repeat([]int{size}, 54)...) // what a link takes at once
	b.SetBytes(int64(len(batch) * size))
	b.ReportAllocs()
	for b.Loop() {
		if err := near.WriteFrames(batch); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []io.Closer{near, far} {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	}
	<-done
}
