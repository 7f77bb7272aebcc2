package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	text := "4711 (a ) b (c) R 1 2 33 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n"
	s, err := parseStat([]byte(text))
	if err != nil || s.pid != 4711 || s.state != 'R' || s.parent != 1 || s.session != 33 || s.start != 987654 {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 x", "1 (x) R 1 2", ")("} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "100")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestIdentityIsNotTheNumber(t *testing.T) {
	cmd := sleeper(t)
	h, id, err := OpenChild(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !id.Alive() {
		t.Error("a living process is not alive")
	}
	for name, other := range map[string]Identity{
		"earlier process": {BootID: id.BootID, Pid: id.Pid, Start: id.Start - 1},
		"earlier boot":    {BootID: "x", Pid: id.Pid, Start: id.Start},
	} {
		if h, err := Open(other); !errors.Is(err, ErrGone) {
			t.Errorf("%s: opened %v, %v", name, h, err)
		}
		if n, err := SignalBelow(other, syscall.SIGKILL); n != 0 || err != nil {
			t.Errorf("%s: killed %d, %v", name, n, err)
		}
	}
	if err := h.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(); err != nil {
		t.Fatal(err)
	}
	if id.Alive() {
		t.Error("an ended process that nobody waited for is alive")
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Error(err)
	}
	if err := h.Signal(syscall.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("signal to nobody: %v", err)
	}
}

func TestCloseWakesWait(t *testing.T) {
	h, _, err := OpenChild(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Wait() }()
	h.Close()
	if err := <-ended; err == nil {
		t.Error("this process has ended?")
	}
}

func TestSignalBelowFindsEverybody(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "sleep 100 & set -m; sleep 100 & echo ready; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	id, err := Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	members, err := Below(id)
	if err != nil || len(members) != 2 {
		t.Errorf("members %v, %v", members, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		n, err := SignalBelow(id, syscall.SIGKILL)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d are left, %v", n, err)
		}
		if n == 0 {
			break
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Error(err)
	}
}
