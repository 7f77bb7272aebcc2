package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"receptor/test/blackbox/harness"
)

// The slow unit prints slowLines lines, one every slowPause seconds.
const (
	slowLines = 60
	slowPause = "0.1"
)

// slowScript numbers its lines, so that a lost or doubled one shows.
var slowScript = fmt.Sprintf(`-c 'i=0; while [ $i -lt %d ]; do i=$((i+1)); echo "line $i of %d"; sleep %s; done'`,
	slowLines, slowLines, slowPause)

func (d *demo) startNodes(ctx context.Context) error {
	port, err := harness.FreePort()
	if err != nil {
		return err
	}
	debug := []string{"--debug"}
	d.b = d.world.Node(d.programs.Receptor, "b", harness.Join(debug, harness.Listener(port))...)
	d.a = d.world.Node(d.programs.Receptor, "a", harness.Join(debug, harness.Peer(port))...)
	d.c = d.world.Node(d.programs.Receptor, "c", harness.Join(debug, harness.Peer(port),
		harness.Command("sha256sum", "sha256sum", ""), harness.Command("slow", "sh", slowScript))...)
	for _, n := range []*harness.Node{d.b, d.a, d.c} {
		start := time.Now()
		if err := n.Up(ctx); err != nil {
			return err
		}
		d.say("%s answers after %v (process %d)", strings.ToUpper(n.ID), d.took(start), n.PID())
	}
	return nil
}

// waitForRoutes waits until A and C know each other, services included: a unit
// could be submitted before, and would wait.
func (d *demo) waitForRoutes(ctx context.Context) error {
	start := time.Now()
	for _, pair := range [][2]*harness.Node{{d.a, d.c}, {d.c, d.a}} {
		from, to := pair[0], pair[1]
		if err := from.Sees(ctx, to.ID); err != nil {
			return err
		}
	}
	d.say("A and C have a route to each other, over B, %v after the last start", d.took(start))
	err := harness.Until(ctx, "the control service of c on a", func() error {
		s, err := d.a.Status(ctx)
		if err == nil && !s.Advertises(d.c.ID) {
			err = fmt.Errorf("not among %d advertisements", len(s.Advertisements))
		}
		return err
	})
	if err != nil {
		return err
	}
	d.say("A knows what C offers after %v", d.took(start))
	return nil
}

func (d *demo) showStatus(ctx context.Context) error {
	text, err := d.ctl(ctx, d.a, "status")
	if err != nil {
		return err
	}
	d.say("$ receptorctl status")
	d.show(text)
	return nil
}

// ctl runs receptorctl for a node and returns what it printed.
func (d *demo) ctl(ctx context.Context, n *harness.Node, args ...string) (string, error) {
	var out strings.Builder
	err := d.ctlTo(ctx, &out, n, args...)
	return out.String(), err
}

func (d *demo) ctlTo(ctx context.Context, out io.Writer, n *harness.Node, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, d.programs.Receptorctl, append([]string{"--socket", n.Socket}, args...)...)
	cmd.Stdout, cmd.Stderr = out, &stderr
	cmd.Env = append(os.Environ(), d.world.Mark())
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("receptorctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}
