package control

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"receptor/actors/supervise"
	"receptor/test/probe"
	"receptor/transport"
)

// halves is a client's connection without a socket, for which the clock may be a fake one.
type halves struct{ net.Conn }

func (h halves) CloseWrite() error { return h.Close() }

// lobby is where such clients arrive.
type lobby struct {
	arrive chan transport.StreamConn
	closed chan struct{}
	once   sync.Once
}

func newLobby() *lobby {
	return &lobby{arrive: make(chan transport.StreamConn), closed: make(chan struct{})}
}

func (l *lobby) Accept() (transport.StreamConn, error) {
	select {
	case c := <-l.arrive:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *lobby) Addr() net.Addr { return &net.UnixAddr{Name: "lobby", Net: "unix"} }

func (l *lobby) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// instead has the control service listen here and nowhere else.
func (l *lobby) instead(cfg *Config) {
	binding := transport.NewBinding(func() (transport.StreamListener, error) { return l, nil })
	cfg.Listeners = supervise.NewLive([]Listener{{Name: "lobby", Trusted: true, Binding: binding}})
}

func (l *lobby) client(t *testing.T) *client {
	t.Helper()
	near, far := net.Pipe()
	l.arrive <- halves{far}
	t.Cleanup(func() { _ = near.Close() })
	c := &client{t, halves{near}, bufio.NewReader(near)}
	c.expect("Receptor Control, node foo\n")
	return c
}

// Who gives no command is sent away after an hour; who waits for the end of one may
// wait for longer.
func TestIdleSessionsEnd(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		places, finish := newLobby(), make(chan struct{})
		w := newWorld(t, s, places.instead)
		w.work.feedLate("u", finish)
		silent, half, asks, follows := places.client(t), places.client(t), places.client(t), places.client(t)
		follows.ask("work results u", "Streaming results for work unit u")
		half.send("sta")

		begin := time.Now()
		ends := func(c *client, after time.Duration) {
			t.Helper()
			c.expect("ERROR: no command for 1h0m0s: the session is closed\n")
			c.expectEnd()
			if took := time.Since(begin); took != after {
				t.Errorf("closed after %v, want %v", took, after)
			}
		}
		time.Sleep(idleLimit - time.Minute)
		asks.ask("nosuch", "ERROR: Unknown command")
		half.send("tu") // half a line is no command
		ends(silent, idleLimit)
		ends(half, idleLimit)
		time.Sleep(30 * time.Minute)
		asks.ask("nosuch", "ERROR: Unknown command")
		ends(asks, 2*idleLimit+30*time.Minute)

		time.Sleep(24 * time.Hour)
		close(finish)
		if rest, err := io.ReadAll(follows.r); err != nil || string(rest) != "late" {
			t.Errorf("after a day: %q, %v", rest, err)
		}
	})
}

// A client that does not read why costs its session no more time than others.
func TestIdleSessionsEndUnread(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		places := newLobby()
		w := newWorld(t, s, places.instead)
		places.client(t)
		time.Sleep(idleLimit + refusePatience + time.Second)
		if left := s.Tree(t, w.pid).GetChildren()[0].GetChildren(); len(left) != 0 {
			t.Errorf("still there: %v", left)
		}
	})
}
