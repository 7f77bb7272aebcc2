package services

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/frame"
)

func from(port uint16) peer {
	return peer{udp: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port)}
}

// arrives delivers a datagram that begins an association.
func arrives(t *testing.T, table *associations, p peer) *association {
	t.Helper()
	a, ok := table.deliver(p, []byte("x"))
	if !ok || a == nil {
		t.Fatalf("%s got no association", p)
	}
	if taken := table.take(a.id); taken != a {
		t.Fatalf("another one waited as %d", a.id)
	}
	return a
}

// read takes what waits.
func read(a *association) (n int) {
	for !a.waiting.empty() {
		f := <-a.waiting.frames
		a.waiting.took(f)
		f.Free()
		n++
	}
	return n
}

func TestUseKeepsAnAssociation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newAssociations(10, time.Second)
		a := arrives(t, table, from(1))
		if left := table.expire(a, time.Minute); left <= 0 {
			t.Error("it ended with a datagram waiting")
		}
		read(a)
		time.Sleep(40 * time.Second)
		if fresh, ok := table.deliver(from(1), []byte("y")); fresh != nil || !ok {
			t.Error("the next datagram went elsewhere")
		}
		read(a)
		time.Sleep(40 * time.Second)
		if left := table.expire(a, time.Minute); left != 20*time.Second {
			t.Errorf("%v left", left)
		}
		table.touch(a)
		time.Sleep(59 * time.Second)
		if left := table.expire(a, time.Minute); left != time.Second {
			t.Errorf("%v left", left)
		}
		time.Sleep(time.Second)
		if left := table.expire(a, time.Minute); left > 0 {
			t.Errorf("%v left", left)
		}
		if b := arrives(t, table, from(1)); b == a {
			t.Error("it came back")
		}
		table.remove(a) // which must not take the new one away
		if fresh, ok := table.deliver(from(1), []byte("z")); fresh != nil || !ok {
			t.Error("the new one is gone")
		}
	})
}

func TestThereIsRoomAgain(t *testing.T) {
	table := newAssociations(2, time.Hour)
	a := arrives(t, table, from(1))
	arrives(t, table, from(2))
	if _, ok := table.deliver(from(3), nil); ok {
		t.Error("there was room for a third")
	}
	table.remove(a)
	arrives(t, table, from(3))
	table.close()
	if _, ok := table.deliver(from(4), nil); ok {
		t.Error("a closed table took one")
	}
}

func TestWhoIsSilentForLongestMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newAssociations(2, time.Second)
		a := arrives(t, table, from(1))
		b := arrives(t, table, from(2))
		time.Sleep(time.Second / 2)
		table.touch(a)
		time.Sleep(time.Second / 2)
		c := arrives(t, table, from(3))
		<-b.evicted
		if _, ok := table.deliver(from(2), nil); ok {
			t.Error("one that is in use made room")
		}
		time.Sleep(time.Second / 2)
		arrives(t, table, from(2))
		<-a.evicted
		table.touch(b)
		table.remove(b) // its actor ends only now
		if fresh, ok := table.deliver(from(3), nil); fresh != nil || !ok {
			t.Error("the last one is gone")
		}
		select {
		case <-c.evicted:
			t.Error("it made room for nobody")
		default:
		}
	})
}

func TestOutboxIsBounded(t *testing.T) {
	o := newOutbox()
	for range 10 * outboxFrames {
		o.put([]byte("small"))
	}
	if n := len(o.frames); n != outboxFrames || o.dropped.Load() != 9*outboxFrames {
		t.Errorf("%d wait, %d dropped", n, o.dropped.Load())
	}
	o.drain()
	big := bytes.Repeat([]byte("x"), 60000)
	for range 100 {
		o.put(big)
	}
	if n := len(o.frames); n != outboxBytes/frame.MaxLen {
		t.Errorf("%d large ones wait", n)
	}
	o.drain()
	if left := o.bytes.Load(); left != 0 {
		t.Errorf("%d bytes are never given back", left)
	}
}
