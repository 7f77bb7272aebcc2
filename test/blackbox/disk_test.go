package blackbox

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"receptor/test/blackbox/harness"
)

const diskSize = "2m"

// smallDisk mounts a file system of two megabytes as the data folder.
func (w *world) smallDisk(n *harness.Node) {
	w.t.Helper()
	w.must(os.MkdirAll(n.DataDir, 0o700))
	err := syscall.Mount("tmpfs", n.DataDir, "tmpfs", 0, "size="+diskSize)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		w.t.Skip("mounting a small file system needs root: the full disk is not tested")
	}
	w.must(err)
	w.t.Cleanup(func() {
		if err := syscall.Unmount(n.DataDir, syscall.MNT_DETACH); err != nil {
			w.t.Errorf("unmount: %v", err)
		}
	})
}

// A full disk is named, costs the unit that needed it, and nobody else.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""),
		harness.Command("flood", "head", "-c 5000000 /dev/zero"))
	w.smallDisk(foo)
	w.up(foo)

	small, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "cat", Payload: strings.NewReader("kept")})
	w.must(err)
	_, err = foo.Finished(w.ctx, small)
	w.must(err)

	unit, _, err := foo.Submit(w.ctx, harness.Work{
		Node: "foo", Type: "cat", Payload: bytes.NewReader(make([]byte, 5<<20)),
	})
	if err == nil {
		t.Error("a payload of 5 MB found room on a disk of 2 MB")
	}
	w.failsForLackOfSpace(foo, unit)

	flood, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "flood"})
	w.must(err)
	u, err := foo.Finished(w.ctx, flood)
	w.must(err)
	if u.State != harness.Failed {
		t.Errorf("output of 5 MB on a disk of 2 MB: %s, %s", u.StateName, u.Detail)
	}
	_, err = foo.Ask(w.ctx, "work release "+flood)
	w.must(err)

	var kept bytes.Buffer
	_, err = foo.Results(w.ctx, small, 0, &kept)
	w.must(err)
	if kept.String() != "kept" {
		t.Errorf("an earlier result is now %q", &kept)
	}
}

// failsForLackOfSpace wants the unit to say so, and releases it.
func (w *world) failsForLackOfSpace(n *harness.Node, unit string) {
	w.t.Helper()
	u, err := n.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Failed || !strings.Contains(u.Detail, "no space left on device") {
		w.t.Errorf("unit %q is %s: %s", unit, u.StateName, u.Detail)
	}
	_, err = n.Ask(w.ctx, "work release "+unit)
	w.must(err)
}

// remount makes the data folder read-only, or writable again, as soon as nobody has
// a file open for writing.
func (w *world) remount(n *harness.Node, flags uintptr) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, "the data folder to be mounted anew", func() error {
		return syscall.Mount("tmpfs", n.DataDir, "tmpfs", syscall.MS_REMOUNT|flags, "size="+diskSize)
	}))
}

// A data folder that can't be written is named to whoever needs it. What is there
// can be read, and all goes on when it can be written again.
func TestReadOnlyDataFolder(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""))
	w.smallDisk(foo)
	w.up(foo)
	unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "cat", Payload: strings.NewReader("kept")})
	w.must(err)
	_, err = foo.Finished(w.ctx, unit)
	w.must(err)

	w.remount(foo, syscall.MS_RDONLY)
	const want = "read-only file system"
	if _, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "cat"}); !strings.Contains(harness.ErrText(err), want) {
		t.Errorf("submit: %v", err)
	}
	w.wantOutput(foo, unit, []byte("kept"))
	if _, err := foo.Ask(w.ctx, "work release "+unit); !strings.Contains(harness.ErrText(err), want) {
		t.Errorf("release: %v", err)
	}
	w.must(foo.Kill())
	w.up(foo)
	w.logLineHas(foo, "WARNING", want, foo.DataDir)
	w.wantOutput(foo, unit, []byte("kept"))

	w.remount(foo, 0)
	w.wantOutput(foo, unit, []byte("kept"))
	w.released(foo, unit)
}
