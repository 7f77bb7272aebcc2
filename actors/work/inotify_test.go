package work

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Output that grows and a status that gets its name are told; what else happens in
// the directory of a unit wakes nobody.
func TestFileEventsTellWhatMatters(t *testing.T) {
	events, err := newFileEvents()
	if err != nil {
		t.Fatal(err)
	}
	told, ended := make(chan fileEvent, 100), make(chan struct{})
	go func() {
		defer close(ended)
		events.each(func(e fileEvent) { told <- e })
	}()
	dir := t.TempDir()
	watch, err := events.add(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	empty, err := os.Create(path("empty"))
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path("empty"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path("empty"), path("status")); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != (fileEvent{watch, "status"}) {
		t.Errorf("told of %+v", got)
	}
	if err := os.WriteFile(path("stdout"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != (fileEvent{watch, "stdout"}) {
		t.Errorf("told of %+v", got)
	}
	for range 2 { // the second time it is forgotten already
		if err := events.remove(watch); err != nil {
			t.Error(err)
		}
	}
	if _, err := events.add(path("nosuch")); err == nil {
		t.Error("a directory that does not exist is watched")
	}
	events.close()
	<-ended
}

func TestLostFileEventsAreTold(t *testing.T) {
	text := make([]byte, 32) // watch 7, a length of 16, and then an overflow
	copy(text, []byte{7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0})
	copy(text[16:], "stdout")
	text = append(text, 255, 255, 255, 255, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	first, rest := nextEvent(text)
	second, rest := nextEvent(rest)
	if first != (fileEvent{7, "stdout"}) || second != (fileEvent{noWatch, ""}) || len(rest) > 0 {
		t.Errorf("read %+v, %+v, and %d bytes are left", first, second, len(rest))
	}
}
