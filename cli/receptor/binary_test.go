package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	testVersion = "1.2.3+test"
	patience    = 30 * time.Second // for a machine that has much else to do
)

var binary string // built by TestMain

func TestMain(m *testing.M) {
	status, err := withBinary(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// withBinary builds the program for as long as run takes.
func withBinary(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "receptor-test-")
	if err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "receptor")
	build := exec.Command("go", "build", "-ldflags", "-X main.version="+testVersion, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, errors.Join(fmt.Errorf("build: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return run(), os.RemoveAll(dir)
}

// daemon is a running program.
type daemon struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
}

func startDaemon(t *testing.T, args ...string) *daemon {
	t.Helper()
	return startDaemonAs(t, nil, args...)
}

func startDaemonAs(t *testing.T, attr *syscall.SysProcAttr, args ...string) *daemon {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	d := &daemon{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	d.cmd.Dir, d.cmd.SysProcAttr = t.TempDir(), attr
	d.cmd.Stderr = &d.stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.lines = bufio.NewScanner(out)
	return d
}

// expect reads until a line matches.
func (d *daemon) expect(t *testing.T, pattern string) {
	t.Helper()
	want := regexp.MustCompile(pattern)
	var seen []string
	for d.lines.Scan() {
		seen = append(seen, d.lines.Text())
		if want.MatchString(d.lines.Text()) {
			return
		}
	}
	t.Fatalf("no line matches %s; %v; stdout:\n%s\nstderr:\n%s", pattern, d.cmd.Wait(), strings.Join(seen, "\n"), d.stderr.String())
}

func (d *daemon) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// ends checks that the program stops well.
func (d *daemon) ends(t *testing.T) {
	t.Helper()
	for d.lines.Scan() {
		if strings.HasPrefix(d.lines.Text(), "ERROR") {
			t.Errorf("while stopping: %s", d.lines.Text())
		}
	}
	if err := d.cmd.Wait(); err != nil || d.stderr.Len() > 0 {
		t.Errorf("%v, stderr:\n%s", err, d.stderr.String())
	}
}

const complete = `^INFO \d{4}/\d\d/\d\d \d\d:\d\d:\d\d Initialization complete$`

func TestBinaryRunsTheIntroduction(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "foo.yml")
	text := "---\n- node:\n    id: foo\n    datadir: " + dir + "\n\n- local-only\n\n- log-level:\n    level: Debug\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("command line", func(t *testing.T) {
		d := startDaemon(t, binary, "--node", "id=foo", "datadir="+dir, "--local-only", "--log-level", "Debug")
		d.expect(t, complete)
		d.signal(t, syscall.SIGINT)
		d.ends(t)
	})
	t.Run("file", func(t *testing.T) {
		d := startDaemon(t, binary, "--config", file)
		d.expect(t, complete)
		d.signal(t, syscall.SIGTERM)
		d.ends(t)
	})
}

func TestBinaryOpensAndRemovesItsSocket(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	d := startDaemon(t, binary, "--node", "foo", "datadir="+dir, "--local-only", "--control-service", "filename="+socket, "permissions=0640")
	d.expect(t, complete)
	info, err := os.Lstat(socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o640 {
		t.Errorf("socket %v, %v", info, err)
	}
	second := runBinary(t, dir, "--node", "bar", "datadir="+dir, "--local-only", "--control-service", "filename="+socket)
	second.failed(t, "Error: error opening Unix socket: ")
	if !strings.Contains(second.stdout, ": could not acquire lock on socket file: fslock is already locked (another process serves ") {
		t.Errorf("output %q", second.stdout)
	}
	d.signal(t, syscall.SIGTERM)
	d.ends(t)
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// A shell starts its background jobs with SIGINT ignored; they must not die of
// a ctrl-c that is meant for another.
func TestBinaryLeavesAnIgnoredSignalIgnored(t *testing.T) {
	d := startDaemon(t, "/bin/sh", "-c", `trap "" INT; exec "$0" --node foo "datadir=$1" --local-only`, binary, t.TempDir())
	d.expect(t, complete)
	d.signal(t, syscall.SIGINT)
	d.signal(t, syscall.SIGTERM)
	d.expect(t, `^INFO .* stopping signal=terminated$`)
	d.ends(t)
}

// result is a program that has ended.
type result struct {
	status         int
	stdout, stderr string
}

func runBinary(t *testing.T, dir string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// failed checks for status 1 and one line that begins so.
func (r result) failed(t *testing.T, want string) {
	t.Helper()
	if r.status != 1 || !strings.HasPrefix(r.stdout, want) || r.stderr != "" {
		t.Errorf("status %d, want 1 and %s\nstdout:\n%s\nstderr:\n%s", r.status, want, r.stdout, r.stderr)
	}
}

func TestBinaryShowsItsVersion(t *testing.T) {
	if r := runBinary(t, t.TempDir(), "--version"); r.status != 0 || r.stdout != testVersion+"\n" {
		t.Errorf("%+v", r)
	}
}

func TestBinaryShowsHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"--node", "foo", "-h"}} {
		r := runBinary(t, t.TempDir(), args...)
		if r.status != 0 || !strings.HasPrefix(r.stdout, "Usage: receptor [--<action>") || r.stderr != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestBinaryRefusesBadInput(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	host, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := []string{"--node", "id=foo", "datadir=" + dir}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--bogus"}, `Error: command error: unknown config type bogus (did you mean "node"?)`},
		{[]string{"--local-only", "--", "loglevel", "Debug"}, `Error: command error: unknown config type "": a lone "--" names no action`},
		{[]string{""}, "Error: parameter specified before command"},
		{[]string{"--config", dir}, "Error: error loading config file: read " + dir + ": is a directory"},
		{[]string{"--config", "nope.yml"}, "Error: error loading config file: open nope.yml: no such file or directory"},
		{append(node, "--tcp-listener", "bindaddr="+host, "port="+port), "Error: listen tcp " + taken.Addr().String() + ": bind: address already in use"},
		{append(node, "--local-only", "--control-service", "filename="+precious), "Error: error opening Unix socket: "},
		{append(node, "--local-only", "--control-service", "filename="+dir+"/none/s"), "Error: error opening Unix socket: "},
		{append(node, "--control-service", "--log-level", "error"), "Run " + binary + " --help for command line instructions.\n"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) { runBinary(t, dir, c.args...).failed(t, c.want) })
	}
	if data, err := os.ReadFile(precious); err != nil || string(data) != "data" {
		t.Errorf("the file at the socket's path: %q, %v", data, err)
	}
}

// The reader of the log may go away; a pipe without one ends the program as it
// ends any other.
func TestBinaryWithoutAReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := exec.Command(binary, "--help")
	cmd.Stdout, cmd.Stderr = w, io.Discard
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
		t.Errorf("ended with %v", err)
	}
}
