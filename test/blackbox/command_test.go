package blackbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

func commandService(service, command string, more ...string) []string {
	return harness.Join([]string{"--command-service", "service=" + service, "command=" + command}, more)
}

// A command service talks to a program on a terminal, and delivers all it says.
func TestCommandService(t *testing.T) {
	w := newWorld(t)
	a, _ := w.linked(ours(), nil, harness.Join(
		commandService("greet", `sh -c 'test -t 0 && echo a terminal; read x; echo "got $x"'`),
		commandService("count", `seq 1 100000`)))
	s, err := a.Connect(w.ctx, "b", "greet", "")
	w.must(err)
	defer s.Close()
	_, err = io.WriteString(s, "hello\n")
	w.must(err)
	text, err := io.ReadAll(s.In)
	if err != nil || !strings.Contains(string(text), "a terminal\r\n") || !strings.HasSuffix(string(text), "got hello\r\n") {
		t.Errorf("%q, %v", text, err)
	}
	count, err := a.Connect(w.ctx, "b", "count", "")
	w.must(err)
	defer count.Close()
	text, err = io.ReadAll(count.In)
	if lines := strings.Split(string(text), "\r\n"); err != nil || len(lines) != 100001 || lines[99999] != "100000" {
		t.Errorf("%d bytes, the end is %q, %v", len(text), text[max(0, len(text)-30):], err)
	}
}

// When the client leaves, its program ends, too, whatever it does.
func TestCommandEndsWithItsClient(t *testing.T) {
	w := newWorld(t)
	a, _ := w.linked(ours(), nil, harness.Join(
		commandService("reads", `sh -c 'echo $$; exec cat'`),
		commandService("writes", `sh -c 'while :; do echo $$; sleep 0.1; done'`),
		commandService("silent", `sh -c 'echo $$; exec sleep 1000'`)))
	for _, service := range []string{"reads", "writes", "silent"} {
		s, err := a.Connect(w.ctx, "b", service, "")
		w.must(err)
		line, err := s.ReadLine()
		w.must(err)
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		w.must(err)
		w.must(s.Close())
		w.must(w.gone(pid))
	}
}

// A client that has said all and waits is not gone, however long the program is
// silent; nor is one that comes through a proxy.
func TestCommandOutlivesTheInputOfItsClient(t *testing.T) {
	w := newWorld(t)
	over, socket := filepath.Join(w.Dir, "over"), filepath.Join(w.Dir, "door.sock")
	a, _ := w.linked(ours(), unixServer(socket, "b", "late"), commandService("late",
		fmt.Sprintf(`sh -c 'echo begun; until test -e %s; do sleep 0.05; done; echo late'`, over)))
	s, err := a.Connect(w.ctx, "b", "late", "")
	w.must(err)
	defer s.Close()
	proxied := w.dial("unix", socket)
	defer proxied.Close()
	ends := []*bufio.Reader{s.In, bufio.NewReader(proxied)}
	for i, end := range []interface{ CloseWrite() error }{s, proxied.(*net.UnixConn)} {
		w.must(end.CloseWrite())
		if line, err := ends[i].ReadString('\n'); err != nil || !strings.Contains(line, "begun") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	w.must(os.WriteFile(over, nil, 0o600))
	for _, end := range ends {
		if text, err := io.ReadAll(end); err != nil || !strings.HasSuffix(string(text), "late\r\n") {
			t.Errorf("%q, %v", text, err)
		}
	}
}

// gone waits for a process to end.
func (w *world) gone(pid int) error {
	return harness.Until(w.ctx, fmt.Sprintf("process %d to end", pid), func() error {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
		if err == nil {
			return errors.New("it is alive")
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
}

// The program runs for those only who have the certificate.
func TestCommandServiceWithTLS(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	a, _ := w.linked(ours(),
		tlsClient("c", w.issue(ca, "a", of("a")), "rootcas="+ca.cert),
		harness.Join(
			commandService("greet", "echo welcome", "tls=s"),
			tlsServer("s", w.issue(ca, "b", of("b")), "clientcas="+ca.cert, "requireclientcert=true")))
	s, err := a.Connect(w.ctx, "b", "greet", "c")
	w.must(err)
	defer s.Close()
	if text, err := io.ReadAll(s.In); err != nil || string(text) != "welcome\r\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := a.Connect(w.ctx, "b", "greet", ""); !strings.Contains(harness.ErrText(err), "insecure connection to secure service") {
		t.Errorf("without a certificate: %v", err)
	}
}

// A program that can't be started ends the stream, and the log says why.
func TestCommandServiceWithoutCommand(t *testing.T) {
	w := newWorld(t)
	a, b := w.linked(ours(), nil, commandService("none", "/no/such/program"))
	s, err := a.Connect(w.ctx, "b", "none", "")
	w.must(err)
	w.endsAtOnce(s, "none")
	w.logLineHas(b, "WARNING", "/no/such/program", "no such file or directory")
}
