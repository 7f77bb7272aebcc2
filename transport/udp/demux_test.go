package udp

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

type addrPort = netip.AddrPort

func loopback(i int) addrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}), 1)
}

// FuzzDemux gives a listener datagrams of a few addresses, as runs or alone, some
// of whose links are closed in between: each link gets its own, in order.
func FuzzDemux(f *testing.F) {
	f.Add([]byte{0, 1, 5, 1, 1, 2, 3, 4, 5}, uint8(2))
	f.Add([]byte{3, '[', ']'}, uint8(0))
	f.Add([]byte{}, uint8(9))
	f.Add([]byte(" A0A0A0A0A00"), uint8('@'))                                    // closes one
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // for farewells, to where nobody listens
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := conn.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, bytes []byte, size uint8) {
		l := &Listener{conn: conn, links: map[addrPort]*link{}, waiting: make(chan *link, maxWaiting)}
		want := map[*link][]byte{}
		bytes = bytes[:min(len(bytes), maxInbox/least)] // there is room for all
		for i := 0; len(bytes) > 0; i++ {
			n := min(1+int(bytes[0])%32, len(bytes))
			came := datagrams{rest: bytes[:n], size: max(int(size), 1)}
			bytes = bytes[n:]
			c := l.find(loopback(int(came.rest[0])%5), came)
			if c == nil {
				continue
			}
			want[c] = append(want[c], came.rest...)
			if dropped := c.inbox.put(came); dropped != 0 {
				t.Fatalf("%d dropped", dropped)
			}
			if i%7 == 6 {
				delete(want, c)
				if err := (&link{listener: l, from: c.from, inbox: c.inbox}).Close(); err != nil {
					t.Fatal(err)
				}
				delete(l.links, c.from)
			}
		}
		for c, all := range want {
			var got []byte
			for len(got) < len(all) {
				m, err := c.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				if m.Len() == 0 || m.Len() > max(int(size), 1) {
					t.Fatalf("a message of %d bytes", m.Len())
				}
				got = append(got, m.Bytes()...)
				m.Free()
			}
			if !slices.Equal(got, all) {
				t.Fatalf("%x, want %x", got, all)
			}
		}
	})
}
