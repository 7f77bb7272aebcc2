package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// asProgram makes the test binary the program itself.
const asProgram = "RECEPTORCTL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	version = "1.4.9"
	if os.Getenv(asProgram) != "" {
		main()
	}
	for _, name := range []string{"RECEPTORCTL_SOCKET", "RECEPTORCTL_CONFIG", "RECEPTORCTL_TLSCLIENT"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// answer is what the fake node does after a line.
type answer struct {
	text   string
	upload bool   // then read to the end of input,
	after  string // and say this
	hangUp bool   // then close
	// hold keeps the node from going on after text until it is closed.
	hold chan struct{}
	more string // said after hold
}

func says(lines ...string) answer { return answer{text: strings.Join(lines, "\n") + "\n"} }
func streams(unit, out string) answer {
	return answer{text: "Streaming results for work unit " + unit + "\n" + out, hangUp: true}
}
func creates(unit, after string) answer {
	return answer{text: "Work unit created with ID " + unit + ". Send stdin data and EOF.\n", upload: true, after: after + "\n"}
}

// script maps a line to its answers: the first time the first, and so on; the last
// one stays.
type script map[string][]answer

// fakeNode speaks the control protocol from a script.
type fakeNode struct {
	path    string
	version string

	mu      sync.Mutex
	script  script
	heard   []string
	payload bytes.Buffer
	written chan struct{} // one token for each answer that was given
}

func startFake(t *testing.T, lines script) *fakeNode {
	t.Helper()
	f := &fakeNode{path: filepath.Join(t.TempDir(), "s"), version: version, script: lines, written: make(chan struct{}, 1000)}
	l, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { f.serve(t, conn) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		conns.Wait()
	})
	return f
}

func (f *fakeNode) serve(t *testing.T, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(text string) {
		if _, err := io.WriteString(conn, text); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Logf("fake node: %v", err)
		}
		f.written <- struct{}{}
	}
	say("Receptor Control, node foo\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		a := f.next(strings.TrimSuffix(line, "\n"))
		say(a.text)
		if a.hold != nil {
			<-a.hold
			say(a.more)
		}
		if a.upload {
			f.receive(r)
			say(a.after)
			return
		}
		if a.hangUp {
			return
		}
	}
}

func (f *fakeNode) next(line string) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = append(f.heard, line)
	answers := f.script[line]
	switch {
	case len(answers) > 1:
		f.script[line] = answers[1:]
	case len(answers) == 0 && line == askVersion:
		return says(`{"Version":"` + f.version + `"}`)
	case len(answers) == 0:
		return says("ERROR: Unknown command")
	}
	return answers[0]
}

func (f *fakeNode) receive(r io.Reader) {
	data, _ := io.ReadAll(r) // a client that breaks off is part of some tests
	f.mu.Lock()
	defer f.mu.Unlock()
	f.payload.Write(data)
}

// lines are those received, without the question for the version.
func (f *fakeNode) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, l := range f.heard {
		if l != askVersion {
			out = append(out, l)
		}
	}
	return out
}

type outcomeOf struct {
	out, err string
	code     int
}

// ctl runs the program against the fake node.
func (f *fakeNode) ctl(t *testing.T, args ...string) outcomeOf {
	t.Helper()
	return runCtl(t.Context(), strings.NewReader(""), append([]string{"--socket", f.path}, args...)...)
}

func runCtl(ctx context.Context, in io.Reader, args ...string) outcomeOf {
	var out, errs bytes.Buffer
	code := runWith(ctx, console{in: in, out: &out, err: &errs}, args...)
	return outcomeOf{out.String(), errs.String(), code}
}

func runWith(ctx context.Context, con console, args ...string) int {
	t := &tool{console: con, pause: time.Millisecond}
	return t.run(ctx, append([]string{"receptorctl"}, args...))
}

func (o outcomeOf) want(t *testing.T, out, errs string, code int) {
	t.Helper()
	if o.out != out || o.err != errs || o.code != code {
		t.Errorf("got  exit %d\n%s--- stderr\n%s\nwant exit %d\n%s--- stderr\n%s", o.code, o.out, o.err, code, out, errs)
	}
}
