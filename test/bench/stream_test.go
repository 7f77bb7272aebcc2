package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/tcp"
)

// piece is what one write carries, as a proxy's would.
const piece = 64 << 10

// BenchmarkStream compares a stream between two nodes over one TCP link with the
// reference: bare quic-go, with the same sizes of packets and windows, over one
// framed TCP connection. The share of the reference is what the mesh leaves.
func BenchmarkStream(b *testing.B) {
	b.Run("nodes/64KiB", func(b *testing.B) { benchmarkNodes(b) })
	b.Run("reference/64KiB", func(b *testing.B) { benchmarkReference(b) })
}

func benchmarkNodes(b *testing.B) {
	rules := node.LinkRules{Cost: 1, AnyPeer: true}
	x := start(b, node.Config{ID: "x", TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}}})
	y := start(b, node.Config{ID: "y", TCPPeers: []node.TCPPeer{{Addr: x.ListenAddrs()[0], Redial: true, LinkRules: rules}}})
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	must(b, y.WaitForRoute(ctx, "x"))
	must(b, x.WaitForRoute(ctx, "y"))
	l, err := x.Listen("sink")
	must(b, err)
	defer l.Close()
	c, err := y.Dial(ctx, "x", "sink")
	must(b, err)
	push(b, c, func() (io.Reader, error) { return l.Accept() })
}

func start(b *testing.B, cfg node.Config) *node.Node {
	cfg.DataDir = b.TempDir()
	n, err := node.Start(cfg, zerolog.Nop())
	must(b, err)
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	return n
}

func benchmarkReference(b *testing.B) {
	near, far := quicPair(b)
	s, err := near.OpenStreamSync(b.Context())
	must(b, err)
	push(b, s, func() (io.Reader, error) { return far(b.Context()) })
}

// quicPair is one connection of bare quic-go over one framed TCP connection: where
// streams are opened, and how they are accepted at the far end.
func quicPair(b *testing.B) (near *quic.Conn, accept func(context.Context) (*quic.Stream, error)) {
	listening, err := tcp.Listen("127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { must(b, listening.Close()) })
	dialer, err := tcp.NewDialer(listening.Addr())
	must(b, err)
	dialled, err := dialer.Dial(b.Context())
	must(b, err)
	accepted, err := listening.Accept()
	must(b, err)
	nearTransport, farTransport := quicOver(b, dialled), quicOver(b, accepted)

	cfg := &quic.Config{
		InitialPacketSize: 1400, DisablePathMTUDiscovery: true, MaxIncomingStreams: 4096,
		InitialStreamReceiveWindow: 4 << 20, MaxStreamReceiveWindow: 16 << 20,
		InitialConnectionReceiveWindow: 8 << 20, MaxConnectionReceiveWindow: 32 << 20,
	}
	l, err := farTransport.Listen(&tls.Config{Certificates: []tls.Certificate{certificate(b)}, NextProtos: []string{"bench"}}, cfg)
	must(b, err)
	b.Cleanup(func() { must(b, l.Close()) })
	near, err = nearTransport.Dial(b.Context(), address("far"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"bench"}}, cfg)
	must(b, err)
	far, err := l.Accept(b.Context())
	must(b, err)
	return near, far.AcceptStream
}

// push writes pieces until the benchmark has enough, and waits until the far end has
// read them all.
func push(b *testing.B, w io.WriteCloser, accept func() (io.Reader, error)) {
	b.Helper()
	read := make(chan error, 1)
	go func() {
		r, err := accept()
		if err == nil {
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, piece))
		}
		read <- err
	}()
	p := make([]byte, piece)
	_, err := w.Write(p) // the stream is there, windows begin to grow
	must(b, err)
	b.SetBytes(piece)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(p); err != nil {
			b.Fatal(err)
		}
	}
	if half, ok := w.(transport.StreamConn); ok {
		must(b, half.CloseWrite())
	} else {
		must(b, w.Close())
	}
	must(b, <-read)
}

// quicOver runs QUIC on a connection that carries frames.
func quicOver(b *testing.B, c transport.Conn) *quic.Transport {
	tr := &quic.Transport{Conn: &datagrams{conn: c}}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
		if err := tr.Close(); err != nil {
			b.Error(err)
		}
	})
	return tr
}

// datagrams is a framed connection as a net.PacketConn, one frame a write.
type datagrams struct {
	conn transport.Conn
	mu   sync.Mutex
}

func (d *datagrams) ReadFrom(p []byte) (int, net.Addr, error) {
	f, err := d.conn.ReadFrame()
	if err != nil {
		return 0, nil, net.ErrClosed
	}
	defer f.Free()
	return copy(p, f.Bytes()), address("far"), nil
}

func (d *datagrams) WriteTo(p []byte, _ net.Addr) (int, error) {
	f := frame.Copy(p)
	defer f.Free()
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(p), d.conn.WriteFrames([]*frame.Buf{f})
}

func (d *datagrams) Close() error                     { return d.conn.Close() }
func (d *datagrams) LocalAddr() net.Addr              { return address("near") }
func (d *datagrams) SetDeadline(time.Time) error      { return nil }
func (d *datagrams) SetReadDeadline(time.Time) error  { return nil }
func (d *datagrams) SetWriteDeadline(time.Time) error { return nil }
func (d *datagrams) SetReadBuffer(int) error          { return nil }
func (d *datagrams) SetWriteBuffer(int) error         { return nil }

type address string

func (a address) Network() string { return "frames" }
func (a address) String() string  { return string(a) }

func certificate(b *testing.B) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(b, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(b, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
