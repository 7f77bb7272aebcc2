package services

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
)

// commandWorld is a command-service on node b, and how to dial it from node a.
func commandWorld(t *testing.T, script string, f func(t *testing.T, s *probe.Stage, log *journal, dial func() transport.StreamConn)) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		netA, netB := network(s, a), network(s, b)
		argv, err := SplitCommand(script)
		if err != nil {
			t.Fatal(err)
		}
		router, log := s.Probe(), &journal{}
		spawnWith(s, log, "b", Config{Router: router.PID, Wanted: supervise.NewLive(Set{Commands: []Command{{
			Service: "cmd", Binding: meshBinding(netB, "cmd"), Argv: argv,
		}}})})
		router.Expect(t, &routerv1.Advertise{
			Service: "cmd", ConnType: routerv1.ConnType_CONN_TYPE_STREAM, Tags: map[string]string{"type": "Command Service"},
		})
		f(t, s, log, func() transport.StreamConn {
			c, err := netA.Dial(t.Context(), "b", "cmd", "")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			return c
		})
	})
}

func TestACommandGetsEndOfInput(t *testing.T) {
	commandWorld(t, `sh -c "stty -echo; cat; echo the end"`, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
		got := told(t, dial(), []byte("one\ntwo\n"))
		// What was typed ahead may be echoed before the echo is off.
		if !bytes.HasSuffix(got, []byte("one\r\ntwo\r\nthe end\r\n")) {
			t.Errorf("%q", got)
		}
	})
}

func TestAllOutputOfACommandArrives(t *testing.T) {
	commandWorld(t, `sh -c "seq 1 50000"`, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
		c := dial() // whose input stays open
		got, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(got, []byte("\r\n")); n != 50000 || !bytes.HasSuffix(got, []byte("\n50000\r\n")) {
			t.Errorf("%d lines", n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnInteractiveShell(t *testing.T) {
	commandWorld(t, `sh -i`, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
		c := dial()
		if _, err := c.Write([]byte("echo $((6*7))\n")); err != nil {
			t.Fatal(err)
		}
		var seen []byte
		buf := make([]byte, 1000)
		for !bytes.Contains(seen, []byte("42\r\n")) {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%q, %v", seen, err)
			}
			seen = append(seen, buf[:n]...)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
	})
}

// pidOf reads the first line, which is a number.
func pidOf(t *testing.T, c net.Conn) int {
	t.Helper()
	var line []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(line, []byte("\n")) {
		if _, err := c.Read(one); err != nil {
			t.Fatal(err)
		}
		line = append(line, one[0])
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func goneSoon(t *testing.T, pid int) {
	t.Helper()
	eventually(t, func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid)) // a zombie would still be there
		return os.IsNotExist(err)
	})
}

func TestACommandEndsWithItsConnection(t *testing.T) {
	const script = `sh -c "trap '' HUP; echo $$; while :; do sleep 0.1; echo tick; done"`
	t.Run("client", func(t *testing.T) {
		commandWorld(t, script, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
			c := dial()
			pid := pidOf(t, c)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			goneSoon(t, pid)
		})
	})
	t.Run("service", func(t *testing.T) {
		pid := 0
		commandWorld(t, `sh -c "echo $$; exec sleep 300"`, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
			c := dial()
			pid = pidOf(t, c)
		})
		goneSoon(t, pid)
	})
	t.Run("service after end of input", func(t *testing.T) {
		pid := 0
		commandWorld(t, `sh -c "echo $$; exec sleep 300"`, func(t *testing.T, _ *probe.Stage, _ *journal, dial func() transport.StreamConn) {
			c := dial()
			pid = pidOf(t, c)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		})
		goneSoon(t, pid)
	})
}

func TestAMissingCommandIsToldAtOnce(t *testing.T) {
	commandWorld(t, "/nowhere/at/all -x", func(t *testing.T, _ *probe.Stage, log *journal, dial func() transport.StreamConn) {
		closed(t, dial())
		eventually(t, func() bool { return log.warnings("start /nowhere/at/all") == 1 && log.warnings("") == 1 })
	})
}

func TestSplitCommand(t *testing.T) {
	argv, err := SplitCommand(`bash -c "echo 'a  b'" x\ y`)
	if want := []string{"bash", "-c", "echo 'a  b'", "x y"}; err != nil || !slices.Equal(argv, want) {
		t.Errorf("%q, %v", argv, err)
	}
	for _, bad := range []string{"", "  ", `echo "open`} {
		if _, err := SplitCommand(bad); err == nil {
			t.Errorf("%q was split", bad)
		}
	}
}
