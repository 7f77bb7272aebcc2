package ws

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport/internal/authority"
)

func TestDialerErrors(t *testing.T) {
	for _, c := range []struct{ url, extra, want string }{
		{":::bad", "", `address :::bad is not a valid URL: parse ":::bad": missing protocol scheme`},
		{"ws://a", "nonsense", "extra header must be in the form key:value"},
		{"ws://a", ":x", `extra header must be in the form key:value: ":x" can't be in a header`},
		{"ws://a", "a b:x", `extra header must be in the form key:value: "a b:x" can't be in a header`},
		{"ws://a", "a:x\r\ny:z", `extra header must be in the form key:value: "a:x\r\ny:z" can't be in a header`},
	} {
		if _, err := NewDialer(c.url, c.extra, nil); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, u := range []string{"http://127.0.0.1:1/", "127.0.0.1:1/", "ws:///path", "ws:", "", "ws://user:secret@127.0.0.1:1/", "WS/x"} {
		d, err := NewDialer(u, "", nil)
		if err != nil {
			continue // no URL at all
		}
		if _, err := d.Dial(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "malformed ws or wss URL (write ws://") {
			t.Errorf("%q: %v", u, err)
		}
	}
	if got := newDialer(t, "wss://[::1]:80/a?b=c", "A:b:c", nil); got.Name() != "ws-peer:wss://[::1]:80/a?b=c" ||
		got.header.Get("A") != "b:c" || got.header.Get("Origin") != "https://[::1]:80" || got.hostPort() != "[::1]:80" {
		t.Error(got.Name(), got.header)
	}
	if got := newDialer(t, "ws://[fe80::1%25d0]:80/", "", nil); got.hostPort() != "[fe80::1%d0]:80" || got.header.Get("Origin") != "http://[fe80::1]:80" {
		t.Error(got.hostPort(), got.header)
	}
	for u, want := range map[string]string{"ws://a": "a:80", "wss://a/": "a:443", "ws://[::1]/": "[::1]:80"} {
		if got := newDialer(t, u, "", nil).hostPort(); got != want {
			t.Errorf("%s: %s", u, got)
		}
	}
}

func TestDialErrors(t *testing.T) {
	l := listen(t, "/here", nil)
	_, err := newDialer(t, address(l, "/there"), "", nil).Dial(t.Context())
	if want := address(l, "/there") + " answers 404 Not Found"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = newDialer(t, address(l, "/here"), "Origin:http://elsewhere", nil).Dial(t.Context())
	if want := address(l, "/here") + " answers 403 Forbidden"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	closed(t, l)
	_, err = newDialer(t, address(l, "/here"), "", nil).Dial(t.Context())
	if want := "dial tcp " + l.Addr() + ": connect: connection refused"; err == nil || err.Error() != want || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want %s", err, want)
	}
}

// serveOnce answers the first connection with a text and closes it.
func serveOnce(t *testing.T, text string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer closed(t, conn)
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(conn, text); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { closed(t, l) })
	return l
}

func TestOddAnswers(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no answer from",
		"\x05\x00hello\r\n\r\n":     "malformed HTTP response",
		"HTTP/1.1 101 Fine\r\n\r\n": "Upgrade",
		"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n":                                                   "answers 301 Moved",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n": "Sec-WebSocket-Accept",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxResponse):                                                         "no answer from",
	} {
		l := serveOnce(t, text)
		_, err := newDialer(t, "ws://"+l.Addr().String(), "", nil).Dial(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	for _, scheme := range []string{"ws://", "wss://"} {
		probe.NoGoroutineLeft(t, func() {
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err = newDialer(t, scheme+silent.Addr().String(), "", nil).Dial(ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			closed(t, silent)
		})
	}
}

// startProxy runs a proxy that relays one connection, after talk has found out
// where to.
func startProxy(t *testing.T, talk func(conn net.Conn) (target string, err error)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { closed(t, l); <-done })
	go func() {
		defer close(done)
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer closed(t, near)
		target, err := talk(near)
		if err != nil || target == "" {
			return
		}
		far, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		back := make(chan struct{})
		go func() {
			defer close(back)
			io.Copy(near, far) //nolint:errcheck // the ends are closed by the test
		}()
		io.Copy(far, near) //nolint:errcheck // the ends are closed by the test
		closed(t, far)
		<-back
	}()
	return l.Addr().String()
}

// connectTo is an HTTP proxy that answers with a status.
func connectTo(status string) func(net.Conn) (string, error) {
	return func(conn net.Conn) (string, error) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return "", err
		}
		if req.Method != http.MethodConnect || req.Header.Get("Proxy-Authorization") != "Basic dXNlcjpzZWNyZXQ=" {
			status = "407 Proxy Authentication Required"
		}
		_, err = io.WriteString(conn, "HTTP/1.1 "+status+"\r\n\r\n")
		if !strings.HasPrefix(status, "200") {
			return "", err
		}
		return req.RequestURI, err
	}
}

// socks is a SOCKS5 proxy without authentication, for IPv4 addresses.
func socks(conn net.Conn) (string, error) {
	hello := make([]byte, 2)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, conn, int64(hello[1])); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	request := make([]byte, 10)
	if _, err := io.ReadFull(conn, request); err != nil {
		return "", err
	}
	target := net.TCPAddr{IP: request[4:8], Port: int(request[8])<<8 | int(request[9])}
	_, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return target.String(), err
}

func TestProxies(t *testing.T) {
	ca := authority.New(t)
	for name, c := range map[string]struct {
		scheme string
		talk   func(net.Conn) (string, error)
		secure bool
	}{
		"http":      {"http://user:secret@", connectTo("200 OK"), false},
		"http, tls": {"http://user:secret@", connectTo("200 OK"), true},
		"socks":     {"socks5://", socks, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "/", nil)
			if c.secure {
				l = listen(t, "/", ca.Server(t))
			}
			d := newDialer(t, address(l, ""), "", ca.Client())
			via := c.scheme + startProxy(t, c.talk)
			d.proxy = func(u *url.URL) (*url.URL, error) {
				if (u.Scheme == "https") != c.secure || u.Host != l.Addr() {
					t.Error(u)
				}
				return url.Parse(via)
			}
			near, far := meet(t, l, d)
			if err := near.WriteFrames(batchOf(sizes...)); err != nil {
				t.Fatal(err)
			}
			expect(t, far, batchOf(sizes...))
			closed(t, near)
		})
	}
}

func TestProxyErrors(t *testing.T) {
	for via, want := range map[string]string{
		"http://user:secret@" + startProxy(t, connectTo("502 Bad Gateway")): "user:xxxxx@127.0.0.1:*: connect to nowhere:80: 502 Bad Gateway",
		"http://" + startProxy(t, connectTo("200 OK")):                      "127.0.0.1:*: connect to nowhere:80: 407 Proxy Authentication Required",
		"ftp://127.0.0.1:1": "127.0.0.1:*: unknown scheme",
	} {
		d := newDialer(t, "ws://nowhere", "", nil)
		d.proxy = func(*url.URL) (*url.URL, error) { return url.Parse(via) }
		_, err := d.Dial(t.Context())
		head, tail, _ := strings.Cut(want, "*")
		if err == nil || !strings.Contains(err.Error(), head) || !strings.HasSuffix(err.Error(), tail) {
			t.Errorf("%s: %v", via, err)
		}
	}
}
