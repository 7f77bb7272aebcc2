package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// markName is an environment variable that daemons, runners and their commands
// inherit: whoever has it belongs to the world whose folder is its value.
const markName = "RECEPTOR_TEST_WORLD"

// World is a private folder and the nodes that live in it.
type World struct {
	Dir string

	mu    sync.Mutex
	nodes []*Node
}

// NewWorld makes a world of an existing, empty folder. Paths of Unix sockets are
// short: the folder's should be, too.
func NewWorld(dir string) *World { return &World{Dir: dir} }

// Close stops every node and reports processes that are left then. It kills
// those, one by one, so that the next world starts clean.
func (w *World) Close(ctx context.Context) error {
	w.mu.Lock()
	nodes := append([]*Node(nil), w.nodes...)
	w.mu.Unlock()
	var problems []error
	for _, n := range nodes {
		problems = append(problems, n.Stop(ctx))
	}
	problems = append(problems, w.NothingLeft(ctx))
	for _, p := range w.processes() {
		problems = append(problems, p.kill())
	}
	return errors.Join(problems...)
}

// NothingLeft waits until no process of this world is left.
func (w *World) NothingLeft(ctx context.Context) error {
	return Until(ctx, "all processes to end", func() error {
		if left := w.processes(); len(left) > 0 {
			return fmt.Errorf("%d processes are left: %v", len(left), left)
		}
		return nil
	})
}

// process is one that carries this world's mark.
type process struct {
	pid     int
	command string
}

func (p process) String() string { return fmt.Sprintf("%d %q", p.pid, p.command) }

func (p process) kill() error {
	found, err := os.FindProcess(p.pid)
	if err != nil {
		return err
	}
	if err := found.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %v: %w", p, err)
	}
	return nil
}

// processes lists what carries the mark. Processes that end meanwhile, and those
// of other users, have no readable environment and are not ours.
func (w *World) processes() []process {
	mark := []byte(markName + "=" + w.Dir)
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var found []process
	for _, file := range environs {
		env, err := os.ReadFile(file)
		if err != nil || !hasEntry(env, mark) {
			continue
		}
		dir := filepath.Dir(file)
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		command, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue
		}
		found = append(found, process{pid, string(bytes.ReplaceAll(bytes.TrimRight(command, "\x00"), []byte{0}, []byte(" ")))})
	}
	return found
}

func hasEntry(env, entry []byte) bool {
	for _, e := range bytes.Split(env, []byte{0}) {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}

// pollEvery is the pause between two looks.
const pollEvery = 20 * time.Millisecond

// Until looks again and again until look returns nil, or the context ends. What
// look returned last is part of the error.
func Until(ctx context.Context, what string, look func() error) error {
	start := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return nil
		}
		var stop *Fatal
		if errors.As(err, &stop) {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w after %v; last seen: %w",
				what, ctx.Err(), time.Since(start).Round(time.Millisecond), err)
		case <-tick.C:
		}
	}
}

// Fatal ends Until at once: no further look will help.
type Fatal struct{ Err error }

func (f *Fatal) Error() string { return f.Err.Error() }

func (f *Fatal) Unwrap() error { return f.Err }
