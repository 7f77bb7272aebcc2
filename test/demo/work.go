package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"receptor/test/blackbox/harness"
)

const fileSize = 20 << 20

// hashOnC submits a real file and compares the answer with our own.
func (d *demo) hashOnC(ctx context.Context) error {
	file, want, err := d.randomFile()
	if err != nil {
		return err
	}
	d.say("a file of %d MB of random bytes; its hash is %s…", fileSize>>20, want[:16])
	start := time.Now()
	unit, err := d.submit(ctx, "sha256sum", "--payload", file)
	if err != nil {
		return err
	}
	d.say("unit %s: sent to C in %v", unit, d.took(start))
	got, err := d.ctl(ctx, d.a, "work", "results", unit)
	if err != nil {
		return err
	}
	d.say("$ receptorctl work results %s", unit)
	d.show(got)
	if got != want+"  -\n" {
		return fmt.Errorf("the hash is not %s", want)
	}
	d.say("the hash is right, %v after submitting", d.took(start))
	return d.release(ctx, unit)
}

func (d *demo) randomFile() (path, hash string, err error) {
	path = filepath.Join(d.world.Dir, "input")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, sum), rand.Reader, fileSize); err != nil {
		return "", "", err
	}
	return path, hex.EncodeToString(sum.Sum(nil)), f.Sync()
}

var unitLine = regexp.MustCompile(`(?m)^Unit ID: ([a-zA-Z0-9]+)$`)

// submit submits work for C on A and returns the unit's ID.
func (d *demo) submit(ctx context.Context, worktype string, payload ...string) (string, error) {
	text, err := d.ctl(ctx, d.a, append([]string{"work", "submit", worktype, "--node", d.c.ID}, payload...)...)
	if err != nil {
		return "", err
	}
	match := unitLine.FindStringSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("no unit ID in %q", text)
	}
	return match[1], nil
}

func (d *demo) release(ctx context.Context, unit string) error {
	text, err := d.ctl(ctx, d.a, "work", "release", unit)
	if err == nil && !strings.Contains(text, "("+unit+", released)") {
		err = fmt.Errorf("release: %q", text)
	}
	return err
}

// killOnTheWay kills B while output flows, starts it again, and wants every line
// exactly once.
func (d *demo) killOnTheWay(ctx context.Context) error {
	start := time.Now()
	unit, err := d.submit(ctx, "slow", "--no-payload")
	if err != nil {
		return err
	}
	d.say("unit %s prints %d lines, one every %s s; A streams them", unit, slowLines, slowPause)
	var out output
	streamed := make(chan error, 1)
	go func() { streamed <- d.ctlTo(ctx, &out, d.a, "work", "results", unit) }()

	if err := d.crashB(ctx, &out); err != nil {
		return err
	}
	select {
	case err = <-streamed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("after %d lines: %w", out.lines(), err)
	}
	return d.checkSlow(ctx, unit, &out, start)
}

// crashB waits for the first lines, kills B, waits until A and C have noticed,
// and starts B again.
func (d *demo) crashB(ctx context.Context, out *output) error {
	const first = slowLines / 6
	err := harness.Until(ctx, "the first lines", func() error {
		if n := out.lines(); n < first {
			return fmt.Errorf("%d lines", n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.say("%d lines are here: kill -9 of B (process %d)", out.lines(), d.b.PID())
	if err := d.b.Kill(); err != nil {
		return err
	}
	for _, n := range []*harness.Node{d.a, d.c} {
		err := harness.Until(ctx, n.ID+" to notice", func() error {
			s, err := n.Status(ctx)
			if err == nil && s.Connected(d.b.ID) {
				err = fmt.Errorf("still connected to %s", d.b.ID)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	d.say("A and C have noticed; %d lines so far. B starts again", out.lines())
	start := time.Now()
	if err := d.b.Up(ctx); err != nil {
		return err
	}
	if err := d.a.Sees(ctx, d.c.ID); err != nil {
		return err
	}
	d.say("A has its route to C again %v after B's start", d.took(start))
	return nil
}

func (d *demo) checkSlow(ctx context.Context, unit string, out *output, start time.Time) error {
	var want strings.Builder
	for i := 1; i <= slowLines; i++ {
		fmt.Fprintf(&want, "line %d of %d\n", i, slowLines)
	}
	if got := out.text(); got != want.String() {
		return fmt.Errorf("the output is not complete or not in order: %q", got)
	}
	u, err := d.a.Unit(ctx, unit)
	if err != nil {
		return err
	}
	if u.State != harness.Succeeded {
		return fmt.Errorf("the unit is %s: %s", u.StateName, u.Detail)
	}
	d.say("all %d lines arrived, each once and in order; the unit %s (%s), %v in all",
		out.lines(), strings.ToLower(u.StateName), u.Detail, d.took(start))
	return d.release(ctx, unit)
}

// output collects what a program prints while others look at it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (o *output) lines() int { return strings.Count(o.text(), "\n") }
