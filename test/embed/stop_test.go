package embed

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/test/probe"
	"receptor/transport/mesh"
)

// What a program still has open when it stops its node wakes up, and nothing is left
// behind.
func TestNothingWaitsForANodeThatStopped(t *testing.T) {
	dir := t.TempDir()
	probe.NoGoroutineLeft(t, func() {
		n, err := node.Start(node.Config{ID: "lonely", DataDir: dir, LocalOnly: true}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		l, err := n.Listen("streams")
		if err != nil {
			t.Fatal(err)
		}
		inbox, err := n.ListenPacket("inbox")
		if err != nil {
			t.Fatal(err)
		}
		c, err := n.Dial(patience(t), "lonely", "streams")
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		waiting := map[string]func() error{
			"Accept":       func() error { _, err := l.Accept(); return err },
			"ReadFrom":     func() error { _, _, err := inbox.ReadFrom(make([]byte, 1)); return err },
			"WaitForRoute": func() error { return n.WaitForRoute(context.Background(), "nobody") },
		}
		lost := map[string]func() error{
			"Read":                  func() error { _, err := c.Read(make([]byte, 1)); return err },
			"Read at the other end": func() error { _, err := accepted.Read(make([]byte, 1)); return err },
		}
		var all sync.WaitGroup
		for name, wait := range waiting {
			all.Go(func() {
				if err := wait(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		for name, wait := range lost {
			all.Go(func() {
				if err := wait(); err == nil {
					t.Errorf("%s goes on", name)
				}
			})
		}
		var stopping sync.WaitGroup
		for range 2 { // also from several places at once
			stopping.Go(func() { stop(n) })
		}
		stopping.Wait()
		stop(n)
		over := make(chan struct{})
		go func() {
			all.Wait()
			close(over)
		}()
		select {
		case <-over:
		case <-time.After(20 * time.Second):
			t.Fatal("something waits for a node that has stopped")
		}
		if _, err := n.ListenPacket("late"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ListenPacket: %v", err)
		}
		if _, err := n.Listen("late"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Listen: %v", err)
		}
		if _, err := inbox.WriteTo([]byte("x"), mesh.Addr{Node: "lonely", Service: "inbox"}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteTo: %v", err)
		}
		if _, err := n.Dial(context.Background(), "lonely", "streams"); err == nil {
			t.Error("Dial goes on")
		}
	})
}
