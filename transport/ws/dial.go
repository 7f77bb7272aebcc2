package ws

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/coder/websocket"

	"receptor/transport"
	"receptor/transport/internal/socket"
)

// maxResponse bounds the header of an answer.
const maxResponse = 64 << 10

var (
	errMalformed = errors.New("malformed ws or wss URL (write ws://HOST:PORT/PATH, or wss:// for TLS)")
	errExtra     = errors.New("extra header must be in the form key:value")

	// A header that does not match would be dropped silently.
	headerName  = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	headerValue = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
	zone        = regexp.MustCompile(`(\[[0-9A-Fa-f:.]+)%[^]]*]`)
)

// Dialer opens connections to one URL.
type Dialer struct {
	url    *url.URL
	header http.Header
	tls    *tls.Config // nil: plain
	proxy  func(*url.URL) (*url.URL, error)
	dialer net.Dialer
}

var _ transport.Dialer = (*Dialer)(nil)

// NewDialer returns a dialer for a ws:// or wss:// URL. extraHeader is a header of
// the request, key:value, or empty. For wss:// the certificate has to be one for
// the URL's host, unless the config has another name; without a config the
// system's authorities are trusted. For ws:// the config does not matter.
func NewDialer(address, extraHeader string, cfg *tls.Config) (*Dialer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address %s is not a valid URL: %w", address, err)
	}
	d := &Dialer{
		url: u, header: http.Header{}, proxy: proxyFromEnvironment,
		dialer: net.Dialer{Timeout: socket.DialTimeout},
	}
	origin := url.URL{Scheme: "http", Host: withoutZone(u.Host)} // as in Host, which it is compared with
	if u.Scheme == "wss" {
		if cfg == nil {
			cfg = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		d.tls = socket.Config(cfg, "http/1.1")
		origin.Scheme = "https"
	}
	d.header.Set("Origin", origin.String())
	return d, d.addHeader(extraHeader)
}

func (d *Dialer) addHeader(extra string) error {
	if extra == "" {
		return nil
	}
	key, value, ok := strings.Cut(extra, ":")
	if !ok {
		return errExtra
	}
	if !headerName.MatchString(key) || !headerValue.MatchString(value) {
		return fmt.Errorf("%w: %q can't be in a header", errExtra, extra)
	}
	d.header.Set(key, value)
	return nil
}

// Name is ws-peer:<url>.
func (d *Dialer) Name() string { return "ws-peer:" + d.url.Redacted() }

// Dial opens a connection, all handshakes included.
func (d *Dialer) Dial(ctx context.Context) (transport.Conn, error) {
	if d.url.Scheme != "ws" && d.url.Scheme != "wss" || d.url.Host == "" || d.url.User != nil {
		return nil, errMalformed
	}
	ctx, cancel := context.WithTimeout(ctx, socket.DialTimeout)
	defer cancel()
	up := &upgrade{dialer: d}
	conn, answer, err := websocket.Dial(ctx, d.url.String(), &websocket.DialOptions{ //nolint:bodyclose // the library does
		HTTPHeader: d.header, Host: d.header.Get("Host"),
		HTTPClient: &http.Client{
			Transport:     up,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	})
	var failed *url.Error
	switch {
	case err == nil:
		return newConn(conn, up.stream), nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("%s answers %s", d.url.Redacted(), answer.Status)
	case errors.As(err, &failed):
		return nil, failed.Err
	default:
		return nil, err
	}
}

// upgrade makes the one request of a dial, over a connection of its own.
type upgrade struct {
	dialer *Dialer
	stream *stream
}

// RoundTrip asks the far end to speak WebSocket. If it will, the answer's body is
// the connection.
func (u *upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	conn, err := u.dialer.connect(req.Context())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(req.Context(), func() { conn.Close() }) // wakes exchange
	limited := &io.LimitedReader{R: conn, N: maxResponse}
	u.stream = newStream(conn, limited)
	answer, err := exchange(conn, u.stream.r.Buffer(), req)
	if !stop() {
		err = context.Cause(req.Context())
	}
	if err != nil {
		conn.Close() // perhaps a second time
		return nil, err
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		limited.N = endless
		answer.Body = u.stream
		return answer, nil
	}
	answer.Body = &body{Reader: answer.Body, conn: conn}
	return answer, nil
}

// endless is as much as nobody reads from a connection.
const endless = 1<<63 - 1

// body is that of a refusal; the connection ends with it.
type body struct {
	io.Reader
	conn net.Conn
}

func (b *body) Close() error { return b.conn.Close() }

func exchange(conn net.Conn, r *bufio.Reader, req *http.Request) (*http.Response, error) {
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(r, req)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("no answer from %s: %w", conn.RemoteAddr(), err)
	}
	return answer, err
}

// connect opens the byte stream to the URL's host.
func (d *Dialer) connect(ctx context.Context) (net.Conn, error) {
	conn, err := d.reach(ctx, d.hostPort())
	if err != nil {
		return nil, err
	}
	if d.tls == nil {
		return conn, nil
	}
	secure := socket.Client(conn, d.tls, d.url.Hostname())
	if err := secure.Shake(ctx); err != nil {
		conn.Close() // perhaps a second time
		return nil, err
	}
	return secure, nil
}

func (d *Dialer) hostPort() string {
	if port := d.url.Port(); port != "" {
		return net.JoinHostPort(d.url.Hostname(), port)
	}
	if d.tls != nil {
		return net.JoinHostPort(d.url.Hostname(), "443")
	}
	return net.JoinHostPort(d.url.Hostname(), "80")
}

// withoutZone takes the zone out of an IPv6 literal in brackets: it means something
// on this host only.
func withoutZone(host string) string {
	return zone.ReplaceAllString(host, "$1]")
}

// direct connects without a proxy.
func (d *Dialer) direct(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := socket.LimitUnsent(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
