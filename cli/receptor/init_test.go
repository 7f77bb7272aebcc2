package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// As process 1 the program hands signals on and leaves no process undead.
func TestBinaryAsProcessOne(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a process namespace of its own")
	}
	dir := t.TempDir()
	socket, mark := filepath.Join(dir, "s"), filepath.Join(dir, "mark")
	d := startDaemonAs(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, binary,
		"--node", "foo", "datadir="+dir, "--local-only", "--control-service", "filename="+socket,
		"--work-command", "worktype=orphan", "command=sh",
		"params=-c 'setsid sh -c \"sleep 0.1; : > "+mark+"\" >/dev/null 2>&1 & exit 0'")
	d.expect(t, complete)
	submit(t, socket, "orphan")
	eventually(t, "the orphan's mark", func() bool { return exists(mark) })

	first := d.cmd.Process.Pid
	eventually(t, "the end of the orphan", func() bool { return len(undead(t, first)) == 0 })
	if len(children(t, first)) == 0 {
		t.Error("process 1 has no child: the daemon is gone")
	}
	d.signal(t, syscall.SIGTERM)
	d.ends(t)
	if exists(socket) {
		t.Error("the socket is left")
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !look(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// submit starts a unit without payload on the node that listens on a socket.
func submit(t *testing.T, socket, worktype string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, `{"command":"work","subcommand":"submit","node":"foo","worktype":%q}`+"\n", worktype)
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(text), `"unitid"`) {
		t.Fatalf("answer %q, %v", text, err)
	}
}

// undead are the children of a process that ended and were not waited for.
func undead(t *testing.T, parent int) []string {
	t.Helper()
	var found []string
	for _, stat := range children(t, parent) {
		if strings.Contains(stat, ") Z ") {
			found = append(found, stat)
		}
	}
	return found
}

// children are the lines /proc/PID/stat of the processes whose parent it is.
func children(t *testing.T, parent int) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just gone
		}
		var state string
		var ppid int
		_, rest, _ := strings.Cut(string(text), ") ")
		if _, err := fmt.Sscan(rest, &state, &ppid); err == nil && ppid == parent {
			found = append(found, strings.TrimSpace(string(text)))
		}
	}
	return found
}
