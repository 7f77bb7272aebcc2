//go:build linux

package netns

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

const (
	// proxyPort is where a node takes streams, and datagrams, for another.
	proxyPort = 7200
	// sinkPort is where the test listens beside the node that leads them there.
	sinkPort = 7300
)

// proxy takes streams and datagrams on this host for the sink of another node.
func proxy(to *lab.Host) []string {
	from := []string{"bindaddr=127.0.0.1", "port=" + strconv.Itoa(proxyPort), fmt.Sprintf("remotenode=n%d", to.Number)}
	return harness.Join(
		[]string{"--tcp-server", "remoteservice=sink"}, from,
		[]string{"--udp-server", "remoteservice=drain"}, from)
}

// sink leads them to the test.
func sink() []string {
	return []string{
		"--tcp-client", "service=sink", "address=" + local(sinkPort),
		"--udp-client", "service=drain", "address=" + local(sinkPort),
	}
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// pour is bytes on their way through a proxy: random ones, counted and hashed at
// both ends. When the sink has read them all it answers with what it has got.
//
//	test ── proxy ── mesh ── sink ── test
//	     ◄──────── the hash ────────
type pour struct {
	size int64
	came atomic.Int64
	done chan struct{}
	took time.Duration // valid when done
	err  error         // valid when done
}

// pour begins to send. The connections end with the test's patience.
func (w *world) pour(from, to *lab.Host, size int64) *pour {
	w.t.Helper()
	return w.pours(from, to, size, 1)[0]
}

// pours begins to send the same several times at once. All are done together, and
// when one fails all end.
func (w *world) pours(from, to *lab.Host, size int64, n int) []*pour {
	w.t.Helper()
	var out net.Listener
	w.must(to.Do(func() (err error) {
		out, err = net.Listen("tcp", local(sinkPort))
		return err
	}))
	ctx, cancel := context.WithCancel(w.ctx)
	context.AfterFunc(ctx, func() { out.Close() })
	all := make([]*pour, n)
	var under sync.WaitGroup
	for i := range all {
		var in net.Conn
		w.must(from.Do(func() (err error) {
			in, err = net.Dial("tcp", local(proxyPort))
			return err
		}))
		context.AfterFunc(ctx, func() { in.Close() })
		p := &pour{size: size, done: make(chan struct{})}
		under.Go(func() { p.run(in.(*net.TCPConn), out, cancel) })
		all[i] = p
	}
	go func() {
		under.Wait()
		cancel()
		out.Close() // the next to pour listens there
		for _, p := range all {
			close(p.done)
		}
	}()
	return all
}

// run sends and receives. Nobody waits for one end when the other has failed.
func (p *pour) run(in *net.TCPConn, out net.Listener, giveUp func()) {
	start := time.Now()
	ends := make(chan error, 2)
	go func() { ends <- p.send(in) }()
	go func() { ends <- p.receive(out) }()
	first := <-ends
	if first != nil {
		giveUp()
	}
	p.err = errors.Join(first, <-ends)
	p.took = time.Since(start)
}

// send sends everything, and wants it confirmed.
func (p *pour) send(c *net.TCPConn) error {
	sum := sha256.New()
	random := rand.NewChaCha8([32]byte{1})
	if _, err := io.Copy(io.MultiWriter(c, sum), io.LimitReader(random, p.size)); err != nil {
		return fmt.Errorf("pour: %w", err)
	}
	if err := c.CloseWrite(); err != nil {
		return fmt.Errorf("end of what is poured: %w", err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return fmt.Errorf("wait for the hash after %d bytes: %w", p.size, err)
	}
	if want := hashed(sum); string(answer) != want {
		return fmt.Errorf("the sink got %s, want %s", answer, want)
	}
	return nil
}

// receive reads what comes, and answers with its hash.
func (p *pour) receive(l net.Listener) error {
	c, err := l.Accept()
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	defer c.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, p), c); err != nil {
		return fmt.Errorf("sink: %w after %d bytes", err, p.came.Load())
	}
	if _, err := io.WriteString(c, hashed(sum)); err != nil {
		return fmt.Errorf("answer of the sink: %w", err)
	}
	return nil
}

// Write counts what has come.
func (p *pour) Write(b []byte) (int, error) {
	p.came.Add(int64(len(b)))
	return len(b), nil
}

func hashed(sum hash.Hash) string { return fmt.Sprintf("%x", sum.Sum(nil)) }

// reached waits until so much has come.
func (p *pour) reached(ctx context.Context, bytes int64) error {
	return harness.Until(ctx, fmt.Sprintf("%d of %d bytes", bytes, p.size), func() error {
		select {
		case <-p.done:
			if p.err != nil {
				return &harness.Fatal{Err: p.err}
			}
			return nil
		default:
		}
		if came := p.came.Load(); came < bytes {
			return fmt.Errorf("%d bytes", came)
		}
		return nil
	})
}

// wait waits for the end and returns the rate in Mbit/s.
func (p *pour) wait(ctx context.Context) (float64, error) {
	select {
	case <-p.done:
		return float64(p.size) * 8 / 1e6 / p.took.Seconds(), p.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%d of %d bytes: %w", p.came.Load(), p.size, ctx.Err())
	}
}
