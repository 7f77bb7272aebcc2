package work

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"receptor/actors/work/store"
	workv1 "receptor/proto/work/v1"
)

func fed(t *testing.T) (*Feeds, store.Dir) {
	t.Helper()
	f, d := NewFeeds(), store.At(t.TempDir())
	f.publish("u", d, &workv1.Status{UnitId: "u", State: workv1.State_STATE_RUNNING})
	return f, d
}

func grow(t *testing.T, f *Feeds, d store.Dir, text string) {
	t.Helper()
	file, err := os.OpenFile(d.Stdout(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	u, _ := f.find("u")
	u.grew()
}

func finish(f *Feeds, d store.Dir, size int64) {
	f.publish("u", d, &workv1.Status{UnitId: "u", State: workv1.State_STATE_SUCCEEDED, StdoutSize: size})
}

// Many readers of one unit all get all of it, through memory and through sockets.
func TestEveryReaderGetsEverything(t *testing.T) {
	f, d := fed(t)
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s")) //nolint:noctx // it is local
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var readers sync.WaitGroup
	outputs := make([]bytes.Buffer, 8)
	for i := range outputs {
		readers.Go(func() {
			if err := f.CopyResults(t.Context(), "u", 2, &outputs[i]); err != nil {
				t.Error(err)
			}
		})
	}
	near, err := net.Dial("unix", l.Addr().String()) //nolint:noctx // it is local
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	readers.Go(func() {
		if err := errors.Join(f.CopyResults(t.Context(), "u", 2, near), near.Close()); err != nil {
			t.Error(err)
		}
	})
	var want bytes.Buffer
	for i := range 200 {
		line := bytes.Repeat([]byte{byte('a' + i%26)}, 100*i+1)
		want.Write(line)
		grow(t, f, d, string(line))
	}
	finish(f, d, int64(want.Len()))
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, want.Bytes()[2:]) {
		t.Errorf("the socket got %d bytes, %v", len(got), err)
	}
	readers.Wait()
	for i := range outputs {
		if !bytes.Equal(outputs[i].Bytes(), want.Bytes()[2:]) {
			t.Errorf("reader %d got %d bytes of %d", i, outputs[i].Len(), want.Len()-2)
		}
	}
}

func TestResultsSayWhenTheyAreNotComplete(t *testing.T) {
	f, d := fed(t)
	grow(t, f, d, "abc")
	finish(f, d, 10)
	if err := f.CopyResults(t.Context(), "u", 0, io.Discard); !errors.Is(err, ErrShort) {
		t.Errorf("short output: %v", err)
	}
	if err := f.CopyResults(t.Context(), "u", -1, io.Discard); err == nil {
		t.Error("a negative offset was taken")
	}
	broken, w := io.Pipe()
	broken.Close()
	if err := f.CopyResults(t.Context(), "u", 0, w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reader gone: %v", err)
	}
}

func TestReleaseEndsReaders(t *testing.T) {
	f, _ := fed(t)
	ended := make(chan error, 2)
	ready := make(chan struct{})
	go func() {
		ended <- f.WatchStatus(t.Context(), "u", func(*workv1.Status) error { close(ready); return nil })
	}()
	go func() { ended <- f.CopyResults(t.Context(), "u", 0, io.Discard) }()
	<-ready
	f.remove("u")
	for range 2 {
		if err := <-ended; !errors.Is(err, ErrReleased) && !errors.Is(err, ErrUnknownUnit) {
			t.Errorf("ended with %v", err)
		}
	}
	if err := f.WatchStatus(context.Background(), "u", nil); !errors.Is(err, ErrUnknownUnit) {
		t.Errorf("watch of a released unit: %v", err)
	}
}

func BenchmarkWake(b *testing.B) {
	f := NewFeeds()
	u := f.publish("u", store.At(b.TempDir()), &workv1.Status{UnitId: "u"})
	b.ReportAllocs()
	for b.Loop() {
		_, _, changed := u.look()
		u.grew()
		<-changed
	}
}
