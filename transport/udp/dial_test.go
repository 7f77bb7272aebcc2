package udp

import (
	"context"
	"net"
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
			d.hosts.lookup = func(context.Context, string) ([]net.IPAddr, error) {
				return []net.IPAddr{{IP: net.IPv4(127, 0, 0, 2)}, {IP: net.IPv4(127, 0, 0, 1).To4()}}, nil
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

// An address that only one interface has keeps the name of that.
func TestAddressesKeepTheirZone(t *testing.T) {
	for host, want := range map[string]string{"fe80::1%d0": "fe80::1%d0", "::1": "::1", "127.0.0.1": "127.0.0.1"} {
		list, err := newAddresses(host).next(t.Context())
		if err != nil || len(list) != 1 || list[0].String() != want {
			t.Errorf("%s: %v, %v", host, list, err)
		}
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
