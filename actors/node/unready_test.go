package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"receptor/actors/links"
	"receptor/transport"
)

// stuck dials until it is released, whatever it is told.
type stuck struct{ dialling, release chan struct{} }

func (d stuck) Name() string { return "tcp-peer:stuck" }

func (d stuck) Dial(context.Context) (transport.Conn, error) {
	close(d.dialling)
	<-d.release
	return nil, errors.New("released")
}

// However long the rest of a node takes to stop, from the beginning of that nobody is
// told any more that it is ready.
func TestANodeThatStopsIsNotReady(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "web")
	d := stuck{make(chan struct{}), make(chan struct{})}
	cfg := full(t)
	cfg.HTTP = HTTP{Addr: socket}
	cfg.Backends = []links.Backend{{Name: d.Name(), Dialer: d, AnyPeer: true}}
	n, err := Start(cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	answers := func() bool {
		res, err := web.Get("http://localhost/readyz")
		return err == nil && res.Body.Close() == nil
	}
	until := func(what string, ok func() bool) {
		for deadline := time.Now().Add(time.Minute); !ok(); {
			if time.Now().After(deadline) {
				t.Fatal("never: " + what)
			}
			time.Sleep(time.Millisecond) // polls, does not settle
		}
	}
	until("it answers", answers)
	<-d.dialling
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	until("it says nothing any more", func() bool { return !answers() })
	select {
	case <-n.Done():
		t.Error("it has stopped while something did not let it")
	default:
	}
	if answers() {
		t.Error("it answers again while it stops")
	}
	close(d.release)
	<-stopped
}
