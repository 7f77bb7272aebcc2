package unixsock

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"receptor/transport"
)

func open(t *testing.T, path string, mode fs.FileMode) (transport.StreamListener, error) {
	t.Helper()
	l, err := Listen(path, mode).Open()
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, err
}

func TestSocketPathThatIsTaken(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "precious"), 0o700); err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(dir, "ours")
	if _, err := open(t, ours, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	other, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for path, want := range map[string]string{
		file:                              "could not overwrite socket file: " + file + " is not a socket",
		folder:                            "could not overwrite socket file: " + folder + " is not a socket",
		ours:                              "could not acquire lock on socket file: fslock is already locked (another process serves " + ours + ": stop it, or give this one another file)",
		foreign:                           "could not overwrite socket file: " + foreign + " is in use by another program",
		filepath.Join(dir, "nosuch", "s"): "could not acquire lock on socket file: no such file or directory (the folder of " + filepath.Join(dir, "nosuch", "s") + " has to be there before)",
		filepath.Join(dir, strings.Repeat("x", 120)): "could not listen on socket file: listen unix " +
			filepath.Join(dir, strings.Repeat("x", 120)) + ": bind: invalid argument (the path has " + strconv.Itoa(len(dir)+121) + " bytes, at most 107 are possible)",
	} {
		if _, err := open(t, path, 0o600); err == nil || err.Error() != "error opening Unix socket: "+want {
			t.Errorf("%s:\n got %v\nwant %s", path, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file became %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "precious")); err != nil {
		t.Error(err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := open(t, path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := os.Lstat(path + ".lock"); err != nil {
		t.Errorf("the lock file is gone: %v", err)
	}
	if _, err := open(t, path, 0o600); err != nil {
		t.Error("it can't be opened again:", err)
	}
}

func TestCloseLeavesTheSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := open(t, path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestSocketNeverHasAWiderMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o666, 0} {
		path := filepath.Join(t.TempDir(), "s")
		socket, err := listenWithMode(path, mode)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("born with %v, %v, want %v", info.Mode(), err, mode)
		}
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
	}
	unix.Umask(0o077)
	path := filepath.Join(t.TempDir(), "s")
	if _, err := open(t, path, 0o666); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
