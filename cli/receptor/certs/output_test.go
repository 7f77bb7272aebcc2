package certs

import (
	"errors"
	"io"
	"os"
	"slices"
	"syscall"
	"testing"

	"receptor/transport/secure/cert"
)

// What can't be written whole takes nothing away.
func TestAFailureLeavesWhatIsThere(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	before := string(d.read("ca.crt"))
	o := d.init("ecdsa")
	o.Force, o.OutKey = true, d.path("no/ca.key")
	d.fails(o, "open no/ca.key: no such file or directory")
	if string(d.read("ca.crt")) != before {
		t.Error("another certificate, and no key for it")
	}
	d.holds("ca.crt", "ca.key")
}

// holds checks what files there are.
func (d *desk) holds(want ...string) {
	d.t.Helper()
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		d.t.Errorf("files %v, want %v", names, want)
	}
}

// Whoever reads a file while it is exchanged gets all of the old one, or of the new.
func TestFilesAreExchangedWhole(t *testing.T) {
	d := newDesk(t)
	d.run(d.init("ecdsa"))
	if err := os.Rename(d.path("ca.key"), d.path("real.key")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.key", d.path("ca.key")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(d.path("real.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	before := string(d.read("ca.key"))
	reader, err := os.Open(d.path("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	o := d.init("ecdsa")
	o.Force = true
	d.run(o)
	if read, err := io.ReadAll(reader); err != nil || string(read) != before {
		t.Errorf("a reader got %d bytes of %d, %v", len(read), len(before), err)
	}
	if string(d.read("real.key")) == before {
		t.Error("the old key is still there")
	}
	if info, err := os.Lstat(d.path("ca.key")); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("no link any more: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(d.path("real.key")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode of an existing file: %v, %v", info.Mode(), err)
	}
	d.holds("ca.crt", "ca.key", "real.key")
}

// What can't be exchanged is written to: a pipe, a link to a file that is to come.
func TestLinksAndPipesAreWrittenTo(t *testing.T) {
	d := newDesk(t)
	if err := errors.Join(os.Symlink("real.key", d.path("ca.key")), syscall.Mkfifo(d.path("ca.crt"), 0o600)); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(d.path("ca.crt"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	d.run(d.init("ecdsa"))
	text := make([]byte, 4096)
	n, err := pipe.Read(text)
	if _, bad := cert.ReadCertificate(text[:n]); bad != nil || err != nil {
		t.Errorf("the pipe brings %d bytes: %v, %v", n, bad, err)
	}
	d.holds("ca.crt", "ca.key", "real.key")
	if _, err := cert.ReadKey(d.read("real.key")); err != nil {
		t.Error(err)
	}
}
