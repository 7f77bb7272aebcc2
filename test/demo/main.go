// Command demo shows the main job on real input: three nodes A–B–C, work
// submitted on A that runs on C, and a node on the way that is killed meanwhile.
// It exits non-zero when anything is not as promised, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"receptor/test/blackbox/harness"
)

// patience bounds the whole demonstration.
const patience = 3 * time.Minute

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, *bin, os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nNOT AS PROMISED: %v\n", err)
		os.Exit(1)
	}
}

// run plays the demonstration in a folder of its own and clears up, whatever happens.
func run(ctx context.Context, bin string, out io.Writer) (err error) {
	programs, err := harness.FindPrograms(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "receptor-demo-")
	if err != nil {
		return err
	}
	d := &demo{programs: programs, world: harness.NewWorld(dir), out: out, start: time.Now()}
	defer func() {
		err = errors.Join(err, d.clear(), os.RemoveAll(dir))
		if err == nil {
			d.say("Nothing is left: no process, no socket, no file. All in %v.", d.took(d.start))
		}
	}()
	return d.play(ctx)
}

// demo is the stage: three nodes and a narrator.
type demo struct {
	programs harness.Programs
	world    *harness.World
	out      io.Writer
	start    time.Time
	steps    int
	a, b, c  *harness.Node
}

func (d *demo) play(ctx context.Context) error {
	for _, step := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Three nodes: A and C dial B", d.startNodes},
		{"Routes", d.waitForRoutes},
		{"What A knows", d.showStatus},
		{"A unit of work from A to C: sha256sum of 20 MB", d.hashOnC},
		{"A slow unit on C, and kill -9 of B while it runs", d.killOnTheWay},
		{"The links came back as supervised restarts", d.showTree},
	} {
		d.title(step.title)
		if err := step.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(step.title), err)
		}
	}
	return nil
}

// clear stops every node by its process ID and looks for what is left. A second
// run would do nothing: all are stopped then.
func (d *demo) clear() error {
	d.title("The end")
	start := time.Now()
	ctx, cancel := harness.StopContext()
	defer cancel()
	if err := d.world.Close(ctx); err != nil {
		return err
	}
	sockets, err := filepath.Glob(filepath.Join(d.world.Dir, "*.sock"))
	if err != nil {
		return err
	}
	if len(sockets) > 0 {
		return fmt.Errorf("sockets are left: %v", sockets)
	}
	d.say("All nodes stopped with exit status 0 in %v.", d.took(start))
	return nil
}

func (d *demo) title(text string) {
	d.steps++
	fmt.Fprintf(d.out, "\n%d. %s\n", d.steps, text)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "   "+format+"\n", args...)
}

// show prints what a program printed, a little further in.
func (d *demo) show(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(d.out, "   | %s", line)
	}
}

func (d *demo) took(since time.Time) time.Duration {
	return time.Since(since).Round(time.Millisecond)
}
