package blackbox

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"receptor/test/blackbox/harness"
)

// outside is a server that is not part of the mesh: what proxies forward to.
type outside struct {
	net.Listener
	work sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// serve answers every connection to an address until the test is over.
func (w *world) serve(network, addr string, answer func(net.Conn) error) *outside {
	w.t.Helper()
	l, err := net.Listen(network, addr)
	w.must(err)
	o := &outside{Listener: l, conns: map[net.Conn]bool{}}
	o.work.Go(func() { o.accept(w, answer) })
	w.t.Cleanup(func() {
		if err := o.Close(); err != nil {
			w.t.Error(err)
		}
		o.mu.Lock()
		for conn := range o.conns {
			conn.Close() // what it was doing hears of it
		}
		o.mu.Unlock()
		o.work.Wait()
	})
	return o
}

func (o *outside) accept(w *world, answer func(net.Conn) error) {
	for {
		conn, err := o.Accept()
		if err != nil {
			return // closed: the test is over
		}
		o.mu.Lock()
		o.conns[conn] = true
		o.mu.Unlock()
		o.work.Go(func() {
			defer func() {
				o.mu.Lock()
				delete(o.conns, conn)
				o.mu.Unlock()
				conn.Close()
			}()
			if err := answer(conn); err != nil {
				w.t.Logf("outside of the mesh: %v", err)
			}
		})
	}
}

// open is how many connections are being answered.
func (o *outside) open() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns)
}

// port of a TCP listener.
func (o *outside) port() int { return o.Addr().(*net.TCPAddr).Port }

// An exchange carries as many bytes there as back, each followed by the hash of
// what came before:
//
//	client   size (8 bytes), content, hash
//	server   content of its own, hash      after it has read all that, if it is right
type exchange struct {
	net.Conn
	size int64
}

// seed of the content that each side sends; hashes tell what arrived.
var (
	seedOfClient = [32]byte{1}
	seedOfServer = [32]byte{2}
)

func (x exchange) send(seed [32]byte) error {
	hash := sha256.New()
	content := io.LimitReader(rand.NewChaCha8(seed), x.size)
	if _, err := io.CopyBuffer(io.MultiWriter(x.Conn, hash), content, make([]byte, 1<<18)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	_, err := x.Write(hash.Sum(nil))
	return err
}

// receive wants content of the other side whose hash is right. The stream stays
// open: nothing depends on its end.
func (x exchange) receive() error {
	hash := sha256.New()
	got, err := io.CopyBuffer(hash, io.LimitReader(x.Conn, x.size), make([]byte, 1<<18))
	if err != nil || got < x.size {
		return fmt.Errorf("%d of %d bytes arrived: %w", got, x.size, errors.Join(err, io.ErrUnexpectedEOF))
	}
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(x.Conn, want); err != nil {
		return fmt.Errorf("read the hash: %w", err)
	}
	if string(want) != string(hash.Sum(nil)) {
		return fmt.Errorf("%d bytes arrived, not those that were sent", got)
	}
	return nil
}

// ask is the client's whole part.
func (x exchange) ask() error {
	if err := binary.Write(x.Conn, binary.BigEndian, x.size); err != nil {
		return err
	}
	if err := x.send(seedOfClient); err != nil {
		return err
	}
	return x.receive()
}

// store is the server of an exchange.
func store(conn net.Conn) error {
	var size int64
	if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
		return err
	}
	x := exchange{conn, size}
	if err := x.receive(); err != nil {
		return err
	}
	return x.send(seedOfServer)
}

// carries exchanges bytes with a store and tells how fast that was.
func (w *world) carries(conn net.Conn, size int64) {
	w.t.Helper()
	defer conn.Close()
	w.inTime(conn)
	x := exchange{conn, size}
	start := time.Now()
	w.must(x.ask())
	took := time.Since(start)
	w.t.Logf("%d MB there and back in %v, %.0f MB/s", size>>20, took.Round(time.Millisecond), float64(2*size)/took.Seconds()/1e6)
}

// inTime bounds what a connection waits for by the test's patience.
func (w *world) inTime(conn net.Conn) {
	w.t.Helper()
	deadline, _ := w.ctx.Deadline()
	w.must(conn.SetDeadline(deadline))
}

// dial connects to an address of this machine.
func (w *world) dial(network, addr string) net.Conn {
	w.t.Helper()
	conn, err := net.DialTimeout(network, addr, patience)
	w.must(err)
	w.inTime(conn)
	return conn
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// answerWhole reads to the end of the input before it answers: what `printf x | nc`
// talks to.
func answerWhole(conn net.Conn) error {
	question, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conn, "%d bytes: %s", len(question), wholeAnswer(question))
	return err
}

// wholeAnswer is long enough to be under way when the asker's side is closed.
func wholeAnswer(question []byte) []byte {
	answer := make([]byte, 0, 4<<20)
	for len(answer)+len(question) <= cap(answer) {
		answer = append(answer, question...)
	}
	return answer
}

type halfCloser interface{ CloseWrite() error }

// asksWhole is the other side: question, end of input, the answer to its end.
func (w *world) asksWhole(conn net.Conn, question string) {
	w.t.Helper()
	defer conn.Close()
	w.inTime(conn)
	_, err := io.WriteString(conn, question)
	w.must(err)
	w.must(conn.(halfCloser).CloseWrite())
	got, err := io.ReadAll(conn)
	want := fmt.Sprintf("%d bytes: %s", len(question), wholeAnswer([]byte(question)))
	if err != nil || string(got) != want {
		w.t.Errorf("%d bytes of the answer, want %d: %v", len(got), len(want), err)
	}
}

// sink and source of proxies, as arguments.
func tcpServer(port int, node, service string, more ...string) []string {
	return harness.Join([]string{"--tcp-server", "bindaddr=127.0.0.1", fmt.Sprint("port=", port), "remotenode=" + node, "remoteservice=" + service}, more)
}

func tcpClient(service string, port int, more ...string) []string {
	return harness.Join([]string{"--tcp-client", "service=" + service, "address=" + local(port)}, more)
}

// dialer is for those who want more than a plain connection.
func (w *world) dialer() *net.Dialer {
	deadline, _ := w.ctx.Deadline()
	return &net.Dialer{Deadline: deadline}
}

// dialTLS connects to a TLS port of this machine.
func (w *world) dialTLS(port int, cfg *tls.Config) net.Conn {
	w.t.Helper()
	conn, err := tls.DialWithDialer(w.dialer(), "tcp4", local(port), cfg)
	w.must(err)
	return conn
}
