package ws

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport/internal/authority"
)

// wish is a request for a WebSocket.
func wish(path, host, origin string) string {
	request := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 6GI8T1oRVd3OE5oiwTbtFA==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n"
	if origin != "" {
		request += "Origin: " + origin + "\r\n"
	}
	return request + "\r\n"
}

func TestWhoMayEnter(t *testing.T) {
	for _, c := range []struct {
		served, path, origin string
		want                 int
	}{
		{"", "/", "", 101},
		{"/", "/any/thing?x=1", "", 101},
		{"/x", "/x", "", 101},
		{"/x", "/x?y", "", 101},
		{"/x", "/x/", "", 404},
		{"/x", "/", "", 404},
		{"/x", "/xy", "", 404},
		{"/x/", "/x/", "", 101},
		{"/x/", "/x/y/z", "", 101},
		{"/x/", "/xy", "", 404},
		{"/{a", "/%7Ba", "", 101},
		{"/", "/", "http://node:1", 101},
		{"/", "/", "https://NODE:1", 101},
		{"/", "/", "http://node", 403},
		{"/", "/", "http://evil:1", 403},
		{"/", "/", "null", 403},
		{"/x", "/", "http://evil:1", 404},
		{"/", "/", "http://[fe80::1%d0]:1", 101}, // an existing node, by way of its interface
		{"/", "/", "http://[fe80::2%d0]:1", 403},
		{"/", "/", "http://evil%[fe80::1]:1", 403},
	} {
		host := "node:1"
		if strings.Contains(c.origin, "[") {
			host = "[fe80::1]:1"
		}
		l := listen(t, c.served, nil)
		var refused chan error
		if c.want != 101 {
			refused = make(chan error, 1)
			l.OnRefused(func(err error) { refused <- err })
		}
		client, status := knock(t, l, wish(c.path, host, c.origin))
		if status != c.want {
			t.Errorf("%+v: %d", c, status)
			continue
		}
		if refused != nil {
			if err := <-refused; !strings.Contains(err.Error(), "127.0.0.1:") {
				t.Error(err)
			}
			continue
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		closed(t, client)
		closed(t, conn)
	}
}

func TestWhatIsNoWebSocket(t *testing.T) {
	l := listen(t, "/", nil)
	for request, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n": 426,
		"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n": 405,
		strings.Replace(wish("/", "a", ""), "13", "12", 1):                                                     400,
		strings.Replace(wish("/", "a", ""), "Sec-WebSocket-Key", "X", 1):                                       400,
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<16) + "\r\n\r\n":                           431,
		"\x05\x00hello": 400,
	} {
		if _, status := knock(t, l, request+"\r\n\r\n"); status != want {
			t.Errorf("%.40q: %d, want %d", request, status, want)
		}
	}
}

// TestTheServerSpeaksHTTP1 also when a config is chosen by what the client says.
func TestTheServerSpeaksHTTP1(t *testing.T) {
	ca := authority.New(t)
	chosen := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return ca.Server(t), nil }}
	for _, cfg := range []*tls.Config{ca.Server(t), chosen} {
		l := listen(t, "/", cfg)
		client := ca.Client()
		client.NextProtos = []string{"h2", "http/1.1"}
		conn, err := tls.Dial("tcp", l.Addr(), client)
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("%q", got)
		}
		closed(t, conn)
		near, far := meet(t, l, newDialer(t, address(l, ""), "", ca.Client()))
		if err := near.WriteFrames(batchOf(9)); err != nil {
			t.Fatal(err)
		}
		expect(t, far, batchOf(9))
	}
}

// TestRefusals names the check that fails, on the side that makes it.
func TestRefusals(t *testing.T) {
	ca, other := authority.New(t), authority.New(t)
	stranger := ca.Client()
	stranger.Certificates = []tls.Certificate{other.Issue(t, "client", time.Hour)}
	for name, c := range map[string]struct {
		server, client  *tls.Config
		dialer, refused string
	}{
		"unknown authority": {other.Server(t), ca.Client(), "signed by unknown authority", "bad certificate"},
		"system's trust":    {ca.Server(t), nil, "signed by unknown authority", "bad certificate"},
		"no certificate":    {ca.Mutual(t), ca.Client(), "certificate required", "didn't provide a certificate"},
		"wrong certificate": {ca.Mutual(t), stranger, "unknown certificate authority", "signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "/", c.server)
			refused := make(chan error, 1)
			l.OnRefused(func(err error) {
				select {
				case refused <- err:
				default:
				}
			})
			_, err := newDialer(t, address(l, "/"), "", c.client).Dial(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.dialer) {
				t.Errorf("the dialer: %v", err)
			}
			if err := <-refused; !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "127.0.0.1:") {
				t.Errorf("the listener: %v", err)
			}
		})
	}
}

// TestStrangersLeaveWithTheListener, wherever they are in their request.
func TestStrangersLeaveWithTheListener(t *testing.T) {
	for _, secure := range []bool{false, true} {
		probe.NoGoroutineLeft(t, func() {
			var cfg *tls.Config
			if secure {
				cfg = authority.New(t).Server(t)
			}
			l, err := Listen("127.0.0.1:0", "/", cfg)
			if err != nil {
				t.Fatal(err)
			}
			var strangers []net.Conn
			for _, says := range []string{"", "GET / HT", "\x16\x03\x01", wish("/", "a", "")} {
				conn, err := net.Dial("tcp", l.Addr())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write([]byte(says)); err != nil {
					t.Fatal(err)
				}
				strangers = append(strangers, conn)
			}
			for deadline := time.Now().Add(patience); l.door.inside.Size() < len(strangers)-1 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			ended := make(chan error, 1)
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						ended <- err
						return
					}
					closed(t, conn)
				}
			}()
			closed(t, l)
			closed(t, l)
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			for _, conn := range strangers {
				closed(t, conn)
			}
		})
	}
}

// TestTheDoor lets in as many strangers as it should; neighbours are none.
func TestTheDoor(t *testing.T) {
	l := listen(t, "/", nil)
	near, far := meet(t, l, newDialer(t, address(l, ""), "", nil))
	for range 3 {
		if _, status := knock(t, l, "GET / HTTP/1.0\r\n\r\n"); status != http.StatusUpgradeRequired {
			t.Error(status)
		}
	}
	for deadline := time.Now().Add(patience); l.door.inside.Size() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d strangers", l.door.inside.Size())
		}
		time.Sleep(time.Millisecond)
	}
	if err := near.WriteFrames(batchOf(1)); err != nil {
		t.Fatal(err)
	}
	expect(t, far, batchOf(1))
}

func TestListenErrors(t *testing.T) {
	l := listen(t, "", nil)
	for _, c := range []struct{ addr, path, want string }{
		{l.Addr(), "/", "listen tcp " + l.Addr() + ": bind: address already in use"},
		{"127.0.0.1:99999", "/", "listen tcp: address 99999: invalid port"},
		{"127.0.0.1", "/", "address 127.0.0.1: missing port in address"},
		{"127.0.0.1:0", "x", `path "x" does not begin with /`},
	} {
		if _, err := Bind(c.addr, c.path, nil).Open(); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v", c, err)
		}
	}
	names := []string{ListenerName("::1:80", ""), ListenerName("10.0.0.1:80", "/x")}
	if !slices.Equal(names, []string{"ws-listener:[::1]:80/", "ws-listener:10.0.0.1:80/x"}) || l.Path() != "/" {
		t.Error(names, l.Path())
	}
}
