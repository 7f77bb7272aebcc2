package udp

import (
	"context"
	"net"
	"net/netip"
	"testing"
)

// Of a host with several addresses the one that answers is found, and kept.
func TestAddressThatAnswersIsFound(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, port string){
		"the first refuses": func(*testing.T, string) {},
		"the first is silent": func(t *testing.T, port string) {
			c, err := net.ListenPacket("udp4", "127.0.0.2:"+port)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closed(t, c) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "127.0.0.1:0")
			_, port, err := net.SplitHostPort(l.Addr())
			if err != nil {
				t.Fatal(err)
			}
			first(t, port)
			d, err := NewDialer("two.example:" + port)
			if err != nil {
				t.Fatal(err)
			}
			d.hosts.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.2"), netip.MustParseAddr("127.0.0.1")}, nil
			}
			if at := again(t, d).RemoteAddr(); at != "127.0.0.2:"+port {
				t.Fatalf("dialled %s first", at)
			}
			near := again(t, d)
			write(t, near, "hello")
			far, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			write(t, far, "here I am")
			read(t, near, "here I am")
			if at := again(t, d).RemoteAddr(); at != l.Addr() {
				t.Errorf("dialled %s, though %s answered", at, l.Addr())
			}
			if at := again(t, d).RemoteAddr(); at != "127.0.0.2:"+port {
				t.Errorf("dialled %s, though it answers no more", at)
			}
			closed(t, far)
		})
	}
}

// again dials, and closes what it got at the end of the test.
func again(t *testing.T, d *Dialer) *Conn {
	t.Helper()
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	return c.(*Conn)
}
