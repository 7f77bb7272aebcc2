package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"receptor/test/blackbox/harness"
)

// A lane deals blows of one kind, one after the other, until the context ends,
// and mends what it broke before it returns.

// between draws a time.
func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)))
}

// pause waits. It reports false, at once, when the context ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// daemonLane kills, stops and freezes one daemon.
func (c *chaos) daemonLane(ctx context.Context, n *harness.Node, dice *rand.Rand) error {
	for pause(ctx, between(dice, 300*time.Millisecond, 3*time.Second)) {
		var err error
		switch dice.IntN(6) {
		case 0:
			err = c.freeze(ctx, n, dice)
		case 1:
			c.log("stop %s", n.ID)
			err = c.restart(ctx, n, dice, c.stop)
		default:
			c.log("kill -9 %s", n.ID)
			err = c.restart(ctx, n, dice, func(n *harness.Node) error { return n.Kill() })
		}
		if err != nil {
			return fmt.Errorf("daemon %s: %w", n.ID, err)
		}
	}
	return nil
}

func (c *chaos) stop(n *harness.Node) error {
	ctx, done := harness.StopContext()
	defer done()
	return n.Stop(ctx)
}

func (c *chaos) restart(ctx context.Context, n *harness.Node, dice *rand.Rand, end func(*harness.Node) error) error {
	if err := end(n); err != nil {
		return err
	}
	pause(ctx, between(dice, 0, 800*time.Millisecond))
	c.log("start %s", n.ID)
	return n.Up(c.w.ctx)
}

func (c *chaos) freeze(ctx context.Context, n *harness.Node, dice *rand.Rand) error {
	c.log("freeze %s", n.ID)
	if err := syscall.Kill(n.PID(), syscall.SIGSTOP); err != nil {
		return err
	}
	pause(ctx, between(dice, 100*time.Millisecond, 2*time.Second))
	c.log("thaw %s", n.ID)
	return syscall.Kill(n.PID(), syscall.SIGCONT)
}

// linkLane cuts, stalls and refuses one link.
func (c *chaos) linkLane(ctx context.Context, name string, r *harness.Relay, dice *rand.Rand) error {
	defer r.Heal()
	for pause(ctx, between(dice, 200*time.Millisecond, 2500*time.Millisecond)) {
		switch dice.IntN(4) {
		case 0:
			c.log("link %s refuses", name)
			r.Refuse()
		case 1:
			c.log("link %s stalls", name)
			r.Stall()
		default:
			c.log("link %s is cut", name)
			r.Cut()
			continue
		}
		pause(ctx, between(dice, 50*time.Millisecond, 2*time.Second))
		c.log("link %s is healed", name)
		r.Heal()
	}
	return nil
}

// processLane kills runners and commands.
func (c *chaos) processLane(ctx context.Context, dice *rand.Rand) error {
	for pause(ctx, between(dice, 30*time.Millisecond, 500*time.Millisecond)) {
		runners, err := c.runners()
		if err != nil {
			return err
		}
		if len(runners) == 0 {
			continue
		}
		r := runners[dice.IntN(len(runners))]
		victim, kind := r.pid, hitRunner
		if dice.IntN(2) == 0 {
			victim, kind = r.command(), hitCommand
		}
		if err := c.hit(victim, kind, r); err != nil {
			return err
		}
	}
	return nil
}

// runner is a living runner of this world.
type runner struct {
	pid  int
	unit string // directory
}

// runners finds them by their command line.
func (c *chaos) runners() ([]runner, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var found []runner
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, dir, ok := bytes.Cut(line, []byte("unitdir="+c.w.Dir))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if !ok || err != nil {
			continue
		}
		dir, _, _ = bytes.Cut(dir, []byte{0})
		found = append(found, runner{pid: pid, unit: c.w.Dir + string(dir)})
	}
	return found, nil
}

// command is the runner's child, 0 if it has none now.
func (r runner) command() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", r.pid, r.pid))
	if err != nil {
		return 0
	}
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			return pid
		}
	}
	return 0
}

// hit kills a process of a unit. It holds the process first and looks at it then:
// numbers are given to strangers.
func (c *chaos) hit(pid int, kind hits, r runner) error {
	token := c.tokenAt(r.unit)
	if pid == 0 || token == "" {
		return nil
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer p.Release() //nolint:errcheck // nothing is lost
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || !bytes.Contains(environ, []byte(c.w.Mark())) {
		return nil // it has ended
	}
	c.note(token, kind)
	c.log("kill -9 %s of %s (%s), process %d", kind, token, filepath.Base(r.unit), pid)
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s %d: %w", kind, pid, err)
	}
	return nil
}

// tokenAt is the token of the unit in a directory, empty if it has ended.
func (c *chaos) tokenAt(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return ""
	}
	var status struct{ ExtraData struct{ Params string } }
	if err := json.Unmarshal(text, &status); err != nil {
		return ""
	}
	token, _, _ := strings.Cut(status.ExtraData.Params, " ")
	return token
}
