package udp

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport/wire"
)

// Of a host with several addresses the one that was dialled answers: with single
// messages, with runs, and with the farewell.
func TestTheAddressThatWasDialledAnswers(t *testing.T) {
	for _, everywhere := range []string{"0.0.0.0:0", "[::]:0"} {
		t.Run(everywhere, func(t *testing.T) {
			l := listen(t, everywhere)
			_, port, err := net.SplitHostPort(l.Addr())
			if err != nil {
				t.Fatal(err)
			}
			near := dial(t, "127.0.0.2:"+port)
			defer time.AfterFunc(patience, func() { closed(t, near) }).Stop() // rather than wait forever
			write(t, near, "hello")
			far, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			read(t, far, "hello")
			write(t, far, "single")
			write(t, far, "one of", "a run.", "three")
			read(t, near, "single", "one of", "a run.", "three")
			closed(t, far)
			read(t, near, string(wire.Reject))
		})
	}
}

// A host that has lost the address answers from another one.
func TestALostAddressIsGivenUp(t *testing.T) {
	l := listen(t, "0.0.0.0:0")
	near, far := meet(t, l)
	c := far.(*link)
	c.sender = newSender(l.conn, c.from, unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: [4]byte{192, 0, 2, 77}}), l.runs, &c.dropped)
	write(t, far, "one of", "a run.", "two")
	write(t, far, "single")
	read(t, near, "one of", "a run.", "two", "single")
	if c.Dropped() > 0 {
		t.Errorf("%d messages dropped", c.Dropped())
	}
}
