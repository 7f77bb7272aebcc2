package ws

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"

	"receptor/transport/internal/socket"
)

// proxyFromEnvironment finds the proxy for a URL in HTTP_PROXY, HTTPS_PROXY and
// NO_PROXY: nil for none, as for this host itself.
func proxyFromEnvironment(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// reach opens a byte stream to addr, through the proxy if there is one. WebSocket
// wants a tunnel also where plain HTTP would be relayed.
func (d *Dialer) reach(ctx context.Context, addr string) (net.Conn, error) {
	like := &url.URL{Scheme: "http", Host: d.url.Host}
	if d.tls != nil {
		like.Scheme = "https"
	}
	via, err := d.proxy(like)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find the proxy: %w", err)
	case via == nil:
		return d.direct(ctx, addr)
	case via.Scheme == "socks5", via.Scheme == "socks5h":
		return d.socks(ctx, via, addr)
	case via.Scheme == "http", via.Scheme == "https":
		return d.tunnel(ctx, via, addr)
	default:
		return nil, fmt.Errorf("proxy %s: unknown scheme", via.Redacted())
	}
}

func (d *Dialer) socks(ctx context.Context, via *url.URL, addr string) (net.Conn, error) {
	var auth *proxy.Auth
	if via.User != nil {
		password, _ := via.User.Password()
		auth = &proxy.Auth{User: via.User.Username(), Password: password}
	}
	through, err := proxy.SOCKS5("tcp", withPort(via, "1080"), auth, forward{d})
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	dialer, ok := through.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("proxy %s: a %T", via.Redacted(), through)
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	return conn, nil
}

// forward is how to reach the proxy itself.
type forward struct{ d *Dialer }

func (f forward) Dial(_, addr string) (net.Conn, error) {
	return f.d.direct(context.Background(), addr)
}

func (f forward) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	return f.d.direct(ctx, addr)
}

// tunnel has an HTTP proxy connect to addr.
func (d *Dialer) tunnel(ctx context.Context, via *url.URL, addr string) (net.Conn, error) {
	conn, err := d.toProxy(ctx, via)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // wakes ask
	err = ask(conn, via, addr)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close() // perhaps a second time
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	return conn, nil
}

func (d *Dialer) toProxy(ctx context.Context, via *url.URL) (net.Conn, error) {
	if via.Scheme == "http" {
		return d.direct(ctx, withPort(via, "80"))
	}
	conn, err := d.direct(ctx, withPort(via, "443"))
	if err != nil {
		return nil, err
	}
	cfg := socket.Config(&tls.Config{MinVersion: tls.VersionTLS12}, "http/1.1")
	secure := socket.Client(conn, cfg, via.Hostname())
	if err := secure.Shake(ctx); err != nil {
		conn.Close() // perhaps a second time
		return nil, err
	}
	return secure, nil
}

func ask(conn net.Conn, via *url.URL, addr string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if via.User != nil {
		password, _ := via.User.Password()
		secret := base64.StdEncoding.EncodeToString([]byte(via.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+secret)
	}
	r := bufio.NewReader(io.LimitReader(conn, maxResponse))
	answer, err := exchange(conn, r, req)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("connect to %s: %s", addr, answer.Status), answer.Body.Close())
	}
	if r.Buffered() > 0 {
		return fmt.Errorf("connect to %s: the far end speaks first", addr)
	}
	return nil
}

func withPort(u *url.URL, port string) string {
	if p := u.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(u.Hostname(), port)
}
