package links

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/mem"
	"receptor/transport/wire"
)

// rawConn is a neighbour played by hand.
type rawConn struct{ transport.Conn }

type rawListener struct{ *mem.Listener }

func listenRaw(t *testing.T, net *mem.Network, name string) rawListener {
	t.Helper()
	l, err := net.Listen(name)
	if err != nil {
		t.Fatal(err)
	}
	return rawListener{l}
}

func (l rawListener) accept(t *testing.T) rawConn {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return rawConn{conn}
}

// besideRaw is a side that has dialled b, a neighbour played by hand, and what b said.
func besideRaw(t *testing.T, s *probe.Stage, said []byte) (a *side, link *actor.PID, b rawConn) {
	t.Helper()
	net := mem.NewNetwork()
	raw := listenRaw(t, net, "b")
	a = newSide(s, "a", dialTo(net, "a", "b"))
	b = raw.accept(t)
	b.read(t) // its init message
	b.write(t, said)
	return a, a.up(t, "b", 1), b
}

func dialRaw(t *testing.T, net *mem.Network, from, to string) rawConn {
	t.Helper()
	conn, err := net.Dialer(from, to).Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rawConn{conn}
}

func (c rawConn) read(t *testing.T) []byte {
	t.Helper()
	f, err := c.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

// until reads a message of that type and passes over others.
func (c rawConn) until(t *testing.T, kind byte) []byte {
	t.Helper()
	for {
		if msg := c.read(t); msg[0] == kind {
			return msg
		}
	}
}

// readNow returns what has arrived until everybody in the bubble waits, nil for nothing.
func (c rawConn) readNow() []byte {
	got := make(chan []byte, 1)
	go func() {
		if f, err := c.ReadFrame(); err == nil {
			got <- f.Bytes()
		}
	}()
	synctest.Wait()
	select {
	case msg := <-got:
		return msg
	default:
		return nil
	}
}

func (c rawConn) write(t *testing.T, msgs ...[]byte) {
	t.Helper()
	for _, msg := range msgs {
		if err := c.WriteFrames([]*frame.Buf{frame.Copy(msg)}); err != nil {
			t.Fatal(err)
		}
	}
}

// update is a routing update of a node called id.
func update(id string, conns map[string]float64) []byte {
	return (&side{id: id}).update(conns).GetFrame()
}

// linkOf is the address of the only link of a side that dials.
func linkOf(t *testing.T, s *probe.Stage, n *side) *actor.PID {
	t.Helper()
	link := find(s.Tree(t, n.links), "/link")
	if link == nil {
		t.Fatal("no link in the tree")
	}
	return s.System().NewLocalPID(link.GetPath())
}

func TestNobodyAnswers(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		raw := listenRaw(t, net, "b")
		a := newSide(s, "a", once(net, "a"))
		conn := raw.accept(t)
		start, n := time.Now(), 0
		for ; ; n++ {
			f, err := conn.ReadFrame()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || f.Bytes()[0] != wire.TypeRoutingUpdate {
				t.Fatalf("%v, %v", f, err)
			}
		}
		if took := time.Since(start); n != 10 || took != 10*time.Second {
			t.Errorf("%d init messages in %v", n, took)
		}
		s.Settle()
		if link := find(s.Tree(t, a.links), "dialer"); link != nil {
			t.Errorf("%v", link)
		}
		tree := s.Tree(t, a.links)
		if lost := tree.GetChildren()[0].GetLost(); len(lost) != 1 || lost[0].GetFailure() != errGaveUp.Error() {
			t.Errorf("%v", lost)
		}
	})
}

func TestOddMessagesAreSurvived(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		b := startSide(s, "b", listenAt(net, "b"))
		conn := dialRaw(t, net, "x", "b")
		odd := [][]byte{{}, {0}, {1}, {2}, {7, 7}, {255}, []byte("\x01garbage"), []byte("\x02{}")}
		conn.write(t, odd...)
		conn.write(t, update("x", nil))
		link := b.up(t, "x", 1)
		conn.write(t, odd...)
		conn.write(t, update("x", map[string]float64{"b": 1}))
		probe.ExpectType[*routerv1.AdvertisementReceived](t, b.router)
		b.updated(t, "x")
		b.router.ExpectNothing(t)
		if !b.log.has("warn Unknown message type") || !b.log.has("warn undecodable message") {
			t.Errorf("%q", b.log.text)
		}
		b.router.Send(link, &linksv1.SendFrame{Frame: []byte("\x01{}")})
		for string(conn.read(t)) != "\x01{}" {
		}
	})
}

func TestUpdatesWaitForTheRoutersAnswer(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		b := startSide(s, "b", listenAt(net, "b"))
		conn := dialRaw(t, net, "x", "b")
		conn.write(t, update("x", nil), update("x", map[string]float64{"b": 1}))
		m := probe.ExpectType[*routerv1.LinkUp](t, b.router)
		b.router.ExpectNothing(t)
		b.router.Reply(acceptedReply(m))
		b.updated(t, "x")
	})
}

func TestReaderWaitsForTheLink(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		b := startSide(s, "b", listenAt(net, "b"))
		conn := dialRaw(t, net, "x", "b")
		conn.write(t, update("x", nil))
		m := probe.ExpectType[*routerv1.LinkUp](t, b.router)
		const flood = 1000
		go func() {
			for range flood {
				if err := conn.WriteFrames([]*frame.Buf{frame.Copy(update("x", map[string]float64{"b": 1}))}); err != nil {
					t.Error(err)
				}
			}
		}()
		s.Settle()
		b.router.Reply(acceptedReply(m))
		for range flood {
			b.updated(t, "x")
			b.router.Reply(&routerv1.Handled{})
		}
	})
}

// flooded is a side whose router answers nothing, and x, which sends more than it may.
func flooded(t *testing.T, s *probe.Stage) (*mem.Network, *side, rawConn) {
	t.Helper()
	net := mem.NewNetwork()
	b := startSide(s, "b", listenAt(net, "b"))
	conn := dialRaw(t, net, "x", "b")
	conn.write(t, update("x", nil))
	probe.ExpectType[*routerv1.LinkUp](t, b.router)
	for range 2 * window {
		conn.write(t, update("x", map[string]float64{"b": 1}))
	}
	return net, b, conn
}

func TestStopWhileTheReaderWaits(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, b, conn := flooded(t, s)
		s.Settle()
		s.Stop(b.links)
		b.down(t, "x") // the router may have accepted it
		if _, err := conn.ReadFrame(); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func TestLinkLostWhileTheReaderWaits(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net, b, _ := flooded(t, s)
		net.Break("x", "b")
		b.down(t, "x") // at the latest when the link gives up
	})
}

func TestPeerThatKeepsTheConnectionAfterReject(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		listen := listenAt(net, "b")
		listen.AnyPeer = false
		startSide(s, "b", listen)
		conn := dialRaw(t, net, "x", "b")
		start := time.Now()
		conn.write(t, update("x", nil))
		conn.until(t, wire.TypeReject)
		for range 500 {
			if err := conn.WriteFrames([]*frame.Buf{frame.Copy(update("x", nil))}); err != nil {
				t.Fatal(err) // the listener must go on reading, or the reject could be lost
			}
		}
		if _, err := conn.ReadFrame(); !errors.Is(err, io.EOF) || time.Since(start) != drainTime {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestPeerChangesItsName(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		b := startSide(s, "b", listenAt(net, "b"))
		conn := dialRaw(t, net, "x", "b")
		conn.write(t, update("x", nil))
		b.up(t, "x", 1)
		conn.write(t, update("y", nil))
		b.down(t, "x")
		conn.until(t, wire.TypeReject)
	})
}

func TestOversizedMessageIsRefused(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.AllowError("message does not fit into the connection")
		a, b, ab, _ := pair(t, s, mem.NewNetwork())
		a.router.Send(ab, &linksv1.SendFrame{Frame: make([]byte, frame.MaxLen+1)})
		a.router.Send(ab, a.update(map[string]float64{"b": 1}))
		b.updated(t, "a")
	})
}

func TestListenerIsBoundAgain(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		taken := listenRaw(t, net, "b")
		b := startSide(s, "b", listenAt(net, "b"))
		time.Sleep(time.Minute)
		if err := taken.Close(); err != nil {
			t.Fatal(err)
		}
		newSide(s, "a", dialTo(net, "a", "b"))
		b.up(t, "a", 1)
		if l := find(s.Tree(t, b.links), "mem-listener:b"); l.GetRestarts() == 0 || l.GetKind() != "listener" {
			t.Errorf("%v", l)
		}
	})
}

func TestStopWhileDialling(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		raw := listenRaw(t, net, "b")
		var full []rawConn
		for range 64 { // the backlog
			full = append(full, dialRaw(t, net, "x", "b"))
		}
		a := newSide(s, "a", dialTo(net, "a", "b"))
		s.Settle()
		s.Stop(a.links)
		if err := raw.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := full[0].ReadFrame(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}
