package embed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/nettest"

	"receptor/actors/node"
	"receptor/actors/streams"
	"receptor/transport/mesh"
)

// pair starts two nodes that are neighbours.
func pair(t *testing.T) (hub, edge *node.Node) {
	t.Helper()
	rules := node.LinkRules{Cost: 1, AnyPeer: true}
	hub = start(t, node.Config{ID: "hub", TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}}})
	edge = start(t, node.Config{
		ID: "edge", TCPPeers: []node.TCPPeer{{Addr: hub.ListenAddrs()[0], Redial: true, LinkRules: rules}},
	})
	for n, other := range map[*node.Node]string{hub: "edge", edge: "hub"} {
		if err := n.WaitForRoute(patience(t), other); err != nil {
			t.Fatal(err)
		}
	}
	return hub, edge
}

func start(t *testing.T, cfg node.Config) *node.Node {
	t.Helper()
	cfg.DataDir = t.TempDir()
	n, err := node.Start(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(n) })
	return n
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// The tests of package net's contract, with either end first.
func TestStreamKeepsContractOfConn(t *testing.T) {
	hub, edge := pair(t)
	for name, swap := range map[string]bool{"dialled": false, "accepted": true} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				l, err := hub.Listen("")
				if err != nil {
					return nil, nil, nil, err
				}
				accepted := make(chan net.Conn, 1)
				go func() {
					c, err := l.Accept()
					if err != nil {
						t.Error(err)
					}
					accepted <- c
				}()
				c1, err = edge.Dial(context.Background(), "hub", l.Addr().(*mesh.Addr).Service)
				if err != nil {
					return nil, nil, nil, err
				}
				c2 = <-accepted
				stop = func() { c1.Close(); c2.Close(); l.Close() }
				if swap {
					return c2, c1, stop, nil
				}
				return c1, c2, stop, nil
			})
		})
	}
}

// A web server that shuts down finishes the requests that it has: it closes its
// listener first.
func TestServerOfTheStandardLibraryShutsDownInOrder(t *testing.T) {
	hub, edge := pair(t)
	l, err := hub.Listen("web")
	if err != nil {
		t.Fatal(err)
	}
	begun, finish := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		if _, err := io.WriteString(w, "the whole answer"); err != nil {
			t.Error(err)
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return edge.Dial(ctx, "hub", "web") },
		DisableKeepAlives: true,
	}}
	answered := make(chan error, 1)
	go func() {
		r, err := client.Get("http://hub/")
		if err == nil {
			var text []byte
			text, err = io.ReadAll(r.Body)
			err = errors.Join(err, r.Body.Close())
			if string(text) != "the whole answer" {
				err = errors.Join(err, fmt.Errorf("answer %q", text))
			}
		}
		answered <- err
	}()
	<-begun
	down := make(chan error, 1)
	go func() { down <- server.Shutdown(patience(t)) }()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("request under way: %v", err)
	}
	if err := <-down; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for ctx := patience(t); ; { // a session that has not heard of it yet seems to take streams
		_, err := edge.Dial(ctx, "hub", "web")
		if errors.Is(err, streams.ErrServiceUnknown) {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("dial afterwards: %v", err)
		}
	}
}
