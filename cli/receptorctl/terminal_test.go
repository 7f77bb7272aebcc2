package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// patience bounds the waits for programs on a terminal.
const patience = time.Minute

// terminal runs the program on a terminal, and remembers what was on the screen.
type terminal struct {
	*testing.T
	screen, line *os.File // the screen's side, and the program's
	cmd          *exec.Cmd

	mu   sync.Mutex
	text bytes.Buffer
}

// onTerminal starts the program; change may send its streams elsewhere.
func onTerminal(t *testing.T, change func(*exec.Cmd), args ...string) *terminal {
	t.Helper()
	screen, line, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	term := &terminal{T: t, screen: screen, line: line, cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	term.cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm", "NO_COLOR=")
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = line, line, line
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if change != nil {
		change(term.cmd)
	}
	var reading sync.WaitGroup
	reading.Go(term.watch)
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = term.cmd.Wait() // done before, unless the test failed
		_ = line.Close()
		reading.Wait()
		_ = screen.Close()
	})
	return term
}

// watch ends when the last one has closed the program's side.
func (t *terminal) watch() {
	piece := make([]byte, 4096)
	for {
		n, err := t.screen.Read(piece)
		t.mu.Lock()
		t.text.Write(piece[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *terminal) seen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// expect waits until all texts were on the screen.
func (t *terminal) expect(texts ...string) {
	t.Helper()
	for _, text := range texts {
		t.until("no "+text, func() bool { return strings.Contains(t.seen(), text) })
	}
}

func (t *terminal) until(what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s; on the screen was\n%q", what, t.seen())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (t *terminal) enter(keys string) {
	t.Helper()
	if _, err := t.screen.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// exits waits for the end of the program.
func (t *terminal) exits(code int) {
	t.Helper()
	err := t.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := t.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d; on the screen was\n%q", got, code, t.seen())
	}
	if strings.Contains(t.seen(), "goroutine ") {
		t.Errorf("a stack trace:\n%s", t.seen())
	}
}

// cooked reports whether the terminal is as a shell leaves it.
func (t *terminal) cooked() bool {
	t.Helper()
	now, err := unix.IoctlGetTermios(int(t.line.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	const lineMode = unix.ICANON | unix.ECHO | unix.ISIG
	return now.Lflag&lineMode == lineMode && now.Oflag&unix.OPOST != 0
}

func TestColoursAreForTerminals(t *testing.T) {
	t.Run("terminal", func(t *testing.T) {
		term := onTerminal(t, nil, "nosuch")
		term.expect(seen(red) + "ERROR: No such command 'nosuch'." + seen(plain))
		term.exits(1)
	})
	for _, setting := range []string{"NO_COLOR=1", "TERM=dumb"} {
		t.Run(setting, func(t *testing.T) {
			term := onTerminal(t, func(c *exec.Cmd) { c.Env = append(c.Env, setting) }, "nosuch")
			term.expect("ERROR: No such command 'nosuch'.")
			term.exits(1)
			if strings.Contains(term.seen(), "\x1b") {
				t.Errorf("coloured: %q", term.seen())
			}
		})
	}
	t.Run("pipe", func(t *testing.T) {
		var errs bytes.Buffer
		term := onTerminal(t, func(c *exec.Cmd) { c.Stderr = &errs }, "nosuch")
		term.exits(1)
		if !strings.HasPrefix(errs.String(), "ERROR: ") || strings.Contains(errs.String(), "\x1b") {
			t.Errorf("got %q", errs.String())
		}
	})
}

func TestUploadShowsHowFarItIs(t *testing.T) {
	hold := make(chan struct{})
	node := startFake(t, script{submitLine + `"cat"}`: {{
		text: "Work unit created with ID u. Send stdin data and EOF.\n", hold: hold,
		upload: true, after: `{"result":"Job Started","unitid":"u"}` + "\n",
	}}})
	file := t.TempDir() + "/payload"
	if err := os.WriteFile(file, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	term := onTerminal(t, nil, "--socket", node.path, "work", "submit", "cat", "--payload", file)
	term.expect("payload  [", "% ", " of 16.0 MiB", "/s")
	close(hold)
	term.expect("Result: Job Started")
	term.exits(0)
	rest := term.seen()[strings.LastIndex(term.seen(), "/s"):]
	if !strings.Contains(rest, "\r ") {
		t.Errorf("the bar was not wiped: %q", rest)
	}
}

func TestDownloadIntoAFileShowsHowFarItIs(t *testing.T) {
	hold := make(chan struct{})
	node := startFake(t, script{
		"work status u": {isIn(2, "exit status 0", 8)},
		"work results u 0": {{
			text: "Streaming results for work unit u\nhalf", hold: hold, more: "half", hangUp: true,
		}},
	})
	var out bytes.Buffer
	term := onTerminal(t, func(c *exec.Cmd) { c.Stdout = &out }, "--socket", node.path, "work", "results", "u")
	term.expect("results  [============            ]  50%", "4 B of 8 B")
	close(hold)
	term.exits(0)
	if out.String() != "halfhalf" {
		t.Errorf("got %q", out.String())
	}
}

func TestNoProgressWhereOutputIsShown(t *testing.T) {
	hold := make(chan struct{})
	node := startFake(t, script{
		"work status u":    {isIn(2, "exit status 0", 8)},
		"work results u 0": {{text: "Streaming results for work unit u\nhalf", hold: hold, more: "half", hangUp: true}},
	})
	term := onTerminal(t, nil, "--socket", node.path, "work", "results", "u")
	term.expect("half")
	close(hold)
	term.expect("halfhalf")
	term.exits(0)
	if term.seen() != "halfhalf" {
		t.Errorf("got %q", term.seen())
	}
}

// rawConnection is the program in raw mode, and what ends the far side.
func rawConnection(t *testing.T) (term *terminal, node *fakeNode) {
	t.Helper()
	node = startFake(t, script{"connect bar svc ": {{text: "Connecting\nhello\n", upload: true, after: "bye\n"}}})
	term = onTerminal(t, nil, "--socket", node.path, "connect", "bar", "svc", "--raw")
	term.expect("To leave: ~. at the beginning of a line, or Ctrl-]", "hello")
	term.until("the terminal is not raw", func() bool { return !term.cooked() })
	return term, node
}

func TestRawConnectionIsLeftByItsEscape(t *testing.T) {
	for name, keys := range map[string]string{"tilde": "\x03ls\r~.", "bracket": "\x03ls\r\x1d"} {
		t.Run(name, func(t *testing.T) {
			term, node := rawConnection(t)
			term.enter(keys)
			term.exits(0)
			if !term.cooked() {
				t.Error("the terminal was left in raw mode")
			}
			term.until("the keys did not arrive", func() bool {
				node.mu.Lock()
				defer node.mu.Unlock()
				return node.payload.String() == "\x03ls\r"
			})
		})
	}
}

func TestRawTerminalIsRestoredAfterSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			term, _ := rawConnection(t)
			if err := term.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			term.exits(128 + int(sig))
			if !term.cooked() {
				t.Error("the terminal was left in raw mode")
			}
		})
	}
}

func TestCtrlCOnATerminalDetaches(t *testing.T) {
	hold := make(chan struct{})
	node := startFake(t, script{
		submitLine + `"slow"}`: {started("u")},
		"work results u 0":     {{text: "Streaming results for work unit u\nfirst", hold: hold, hangUp: true}},
	})
	t.Cleanup(func() { close(hold) })                                 // before the node is stopped
	for key, code := range map[string]int{"\x03": 130, "\x1c": 131} { // Ctrl-C, Ctrl-\
		term := onTerminal(t, nil, "--socket", node.path, "work", "submit", "slow", "-n", "-f")
		term.expect("first")
		term.enter(key)
		term.expect("Detached from unit u, which goes on.", "receptorctl --socket "+node.path+" work results u --startpos 5")
		term.exits(code)
	}
}

func TestAReaderThatLeavesEndsTheProgramQuietly(t *testing.T) {
	node := startFake(t, script{"work results u 0": {streams("u", strings.Repeat("line\n", 100_000))}, "work status u": {isIn(2, "", 500_000)}})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	term := onTerminal(t, func(c *exec.Cmd) { c.Stdout, c.Stderr = w, &errs }, "--socket", node.path, "work", "results", "u")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_ = term.cmd.Wait()
	if ended, ok := term.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ended.Signal() != syscall.SIGPIPE || errs.Len() > 0 {
		t.Errorf("%v, and on standard error %q", term.cmd.ProcessState, errs.String())
	}
}
