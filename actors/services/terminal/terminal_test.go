package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 20 * time.Second

func start(t *testing.T, script string) *Terminal {
	t.Helper()
	term, err := Start([]string{"/bin/sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(patience, func() { _ = term.Close() })
	t.Cleanup(func() {
		guard.Stop()
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
	return term
}

func all(t *testing.T, term *Terminal) string {
	t.Helper()
	text, err := io.ReadAll(term)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(text, []byte(") Z "))
}

func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

func TestAllOutputIsDelivered(t *testing.T) {
	const lines = 20000
	text := all(t, start(t, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"))
	if n := strings.Count(text, "\r\n"); n != lines || !strings.HasSuffix(text, "line 19999\r\n") {
		t.Errorf("%d lines, the last is %q", n, text[max(0, len(text)-20):])
	}
}

func TestOutputOfAProgramThatEndsAtOnce(t *testing.T) {
	for i := range 50 {
		if text := all(t, start(t, "echo "+strconv.Itoa(i))); text != fmt.Sprintf("%d\r\n", i) {
			t.Fatalf("%q", text)
		}
	}
}

func TestEndOfInput(t *testing.T) {
	for _, tc := range []struct{ typed, script, want string }{
		{"", "cat; echo end", "end\r\n"},
		{"one\n", "stty -echo; echo ready; cat; echo end", "one\r\nend\r\n"},
		{"half", "stty -echo; echo ready; cat; echo end", "halfend\r\n"},
		{"", "cat; cat; cat; echo three", "three\r\n"},
		{"", "stty -F /dev/tty eof q; echo ready; cat; echo q", "q\r\n"},
	} {
		term := start(t, tc.script)
		if strings.Contains(tc.script, "ready") {
			await(t, term, "ready\r\n")
		}
		if _, err := term.Write([]byte(tc.typed)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- term.EndInput(t.Context()) }()
		if text := all(t, term); text != tc.want {
			t.Errorf("%s: %q, want %q", tc.script, text, tc.want)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", tc.script, err)
		}
	}
}

func await(t *testing.T, term *Terminal, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(term, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestABackgroundProcessKeepsNobodyWaiting(t *testing.T) {
	began := time.Now()
	term := start(t, `sleep 300 & echo $!`)
	pid, err := strconv.Atoi(strings.TrimSpace(all(t, term)))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
	gone(t, pid)
}

func TestCloseKillsTheGroup(t *testing.T) {
	for name, script := range map[string]string{
		"polite":   `sh -c 'echo $$; exec sleep 300'`,
		"stubborn": `trap "" HUP TERM; sh -c 'echo $$; while :; do sleep 300; done'`,
	} {
		t.Run(name, func(t *testing.T) {
			term := start(t, script)
			line := make([]byte, 100)
			n, err := term.Read(line)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
			if err != nil {
				t.Fatal(err)
			}
			if err := term.Close(); err != nil {
				t.Fatal(err)
			}
			gone(t, pid)
			if err := unix.Kill(term.cmd.Process.Pid, 0); !errors.Is(err, unix.ESRCH) {
				t.Errorf("the program was not reaped: %v", err)
			}
			if _, err := term.Read(line); err == nil {
				t.Error("a closed terminal can be read")
			}
		})
	}
}

func TestHangupLetsAProgramTidyUp(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "tidied")
	term := start(t, "trap 'echo yes >"+mark+"; exit 3' HUP; echo ready; while :; do sleep 0.01; done")
	await(t, term, "ready\r\n")
	if err := term.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(mark); err != nil || string(text) != "yes\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := term.Exit(); err == nil || err.Error() != "exit status 3" {
		t.Errorf("ended with %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	if _, err := Start([]string{"/nowhere/at/all"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestItIsATerminal(t *testing.T) {
	if text := all(t, start(t, "test -t 0 && test -t 1 && test -t 2 && stty size")); text != "24 80\r\n" {
		t.Errorf("%q", text)
	}
}

func TestNoFileIsLeft(t *testing.T) {
	count := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	all(t, start(t, "true"))
	before := count()
	for range 20 {
		term := start(t, "true")
		all(t, term)
		if err := term.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(); after > before {
		t.Errorf("%d files, %d before", after, before)
	}
}
