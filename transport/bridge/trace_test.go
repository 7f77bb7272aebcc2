package bridge

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// told keeps what a trace was told, by direction.
type told struct {
	mu    sync.Mutex
	lines map[string][]string
}

func (l *told) note(from, to, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := from + " to " + to
	l.lines[key] = append(l.lines[key], what)
}

func (l *told) TraceBridging(from, to string)      { l.note(from, to, "bridging") }
func (l *told) TraceCopied(n int, from, to string) { l.note(from, to, fmt.Sprint(n)) }
func (l *told) TraceStopping(from, to string)      { l.note(from, to, "stopping") }

func TestTraceHearsOfBothDirections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	inner, outer := link(t)
	heard, end := &told{lines: map[string][]string{}}, make(chan error, 1)
	go func() { end <- Bridge(near.(*net.UnixConn), inner, heard) }()

	say := func(from, to net.Conn, text string) {
		t.Helper()
		if _, err := io.WriteString(from, text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, make([]byte, len(text))); err != nil {
			t.Fatal(err)
		}
	}
	say(client, outer, "four")
	say(outer, client, "five5")
	say(client, outer, "sixsix")
	for _, c := range []interface{ CloseWrite() error }{client.(*net.UnixConn), outer} {
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	far := outer.LocalAddr().String()
	there, home := heard.lines[path+" to "+far], heard.lines[far+" to "+path]
	if !slices.Equal(there, []string{"bridging", "4", "6", "stopping"}) || !slices.Equal(home, []string{"bridging", "5", "stopping"}) {
		t.Errorf("%v", heard.lines)
	}
}
