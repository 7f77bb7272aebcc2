package ws

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"receptor/transport"
	"receptor/transport/internal/socket"
)

const (
	// headerTimeout is how long a client may take to say what it wants.
	headerTimeout = 5 * time.Second
	// maxHeader bounds what it says, in bytes.
	maxHeader = 16 << 10
	// maxStrangers bounds the connections that are no WebSockets yet.
	maxStrangers = 1024
)

// Listener is an HTTP server with one path, where it accepts WebSockets.
type Listener struct {
	path     string
	door     *door
	server   *http.Server
	accepted chan *Conn
	closing  chan struct{}
	close    func() error
	ended    chan struct{} // closed when nothing more comes
	why      error         // valid when ended
	refused  atomic.Pointer[func(error)]
}

var _ transport.Listener = (*Listener)(nil)

// Listen opens a listening socket on host:port and serves a path of it: "/" is
// every path, "/x" that one, "/x/" all below; empty is "/". With a config it
// speaks TLS.
func Listen(addr, path string, cfg *tls.Config) (*Listener, error) {
	if path == "" {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("path %q does not begin with /", path)
	}
	addr, err := socket.Join(addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		path: path, accepted: make(chan *Conn), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	inner, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	l.door = &door{
		Listener: inner, tls: socket.Config(cfg, "http/1.1"), refuse: l.refuse,
		inside: transport.NewCrowd(maxStrangers), closing: l.closing,
	}
	l.server = newServer(l)
	l.close = sync.OnceValue(l.shut)
	go l.run()
	return l, nil
}

func newServer(l *Listener) *http.Server {
	var plain http.Protocols
	plain.SetHTTP1(true) // a WebSocket can't begin in HTTP/2 here
	return &http.Server{
		Handler: http.HandlerFunc(l.serve), Protocols: &plain, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: headerTimeout, IdleTimeout: headerTimeout,
		ErrorLog: log.New(complaints{l}, "", 0), ConnState: l.door.state,
	}
}

// Bind describes the socket of Listen for the actor that will own it.
func Bind(addr, path string, cfg *tls.Config) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := Listen(addr, path, cfg)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

// ListenerName is ws-listener:<addr><path>.
func ListenerName(addr, path string) string {
	if path == "" {
		path = "/"
	}
	return socket.Name("ws-listener", addr) + path
}

// OnRefused has f told why a connection came to nothing: of each that failed in
// its TLS handshake or did not ask for a WebSocket at the right path. It is called
// by many goroutines and must not block. Until then, nobody is told.
func (l *Listener) OnRefused(f func(error)) { l.refused.Store(&f) }

func (l *Listener) refuse(err error) {
	if f := l.refused.Load(); f != nil {
		(*f)(err)
	}
}

// Accept waits for the next WebSocket.
func (l *Listener) Accept() (transport.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.ended:
		return nil, l.why
	}
}

// Addr is the address with the port that was given or found.
func (l *Listener) Addr() string { return l.door.Addr().String() }

// Path is where neighbours are accepted.
func (l *Listener) Path() string { return l.path }

// Close closes the socket and what is no WebSocket yet; accepted ones stay.
func (l *Listener) Close() error { return l.close() }

func (l *Listener) shut() error {
	close(l.closing)
	err := l.server.Close()
	<-l.ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (l *Listener) run() {
	err := l.server.Serve(l.door)
	if errors.Is(err, http.ErrServerClosed) {
		err = net.ErrClosed
	}
	l.why = err
	close(l.ended)
}

// serve makes a WebSocket of a request and hands it over.
func (l *Listener) serve(w http.ResponseWriter, r *http.Request) {
	if !l.serves(r.URL.Path) {
		http.NotFound(w, r)
		l.refuse(fmt.Errorf("%s asks for %q, which is not %s", r.RemoteAddr, r.URL.Path, l.path))
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		r.Header.Set("Origin", withoutZone(origin)) // existing nodes send it here, and not in Host
	}
	up := &upgrader{ResponseWriter: w}
	conn, err := websocket.Accept(up, r, nil)
	if err != nil {
		l.refuse(fmt.Errorf("%s: %w", r.RemoteAddr, err))
		return
	}
	c := newConn(conn, up.stream)
	select {
	case l.accepted <- c:
		return
	case <-l.closing:
	case <-l.ended:
	}
	if err := c.Close(); err != nil {
		l.refuse(fmt.Errorf("%s: %w", r.RemoteAddr, err))
	}
}

func (l *Listener) serves(path string) bool {
	if strings.HasSuffix(l.path, "/") {
		return strings.HasPrefix(path, l.path)
	}
	return path == l.path
}

// upgrader gives the library a stream of ours for the connection it takes over.
type upgrader struct {
	http.ResponseWriter
	stream *stream
}

// Hijack takes the connection from the server, with what was read ahead.
func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	ahead, err := rw.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	u.stream = newStream(conn, io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), conn))
	return u.stream, bufio.NewReadWriter(bufio.NewReader(u.stream), bufio.NewWriter(u.stream)), nil
}

// complaints are what the HTTP server has to say.
type complaints struct{ l *Listener }

func (c complaints) Write(line []byte) (int, error) {
	c.l.refuse(errors.New(strings.TrimSpace(string(line))))
	return len(line), nil
}
