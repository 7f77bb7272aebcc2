package deploy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/podman"
)

const image = podman.NodeImage

// engine is podman for one test.
type engine struct {
	t *testing.T
	*podman.Engine
}

// newPodman builds the image. A machine that can't run any container skips the
// test with podman's own words.
func newPodman(t *testing.T) *engine {
	t.Helper()
	needsRoot(t)
	needs(t, "podman")
	layout := filepath.Join(made(t), "bin", "image")
	dir, err := os.MkdirTemp("", "rc-") // a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	of, err := podman.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := &engine{t: t, Engine: of}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := p.Build(ctx, source("deploy", "container", "Containerfile"), layout); err != nil {
		t.Skipf("images can't be built here: %v", firstLine(out, err))
	}
	if out, err := p.try("run", "--rm", "--network", "none", image, "--version"); err != nil {
		t.Skipf("containers can't run here: %v", firstLine(out, err))
	}
	return p
}

func (p *engine) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.Run(ctx, args...)
}

func (p *engine) run(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// start runs a container until the test ends.
func (p *engine) start(name string, args ...string) {
	p.t.Helper()
	p.t.Cleanup(func() {
		if p.t.Failed() {
			logs, _ := p.try("logs", name) // it may never have started
			p.t.Logf("log of %s:\n%s", name, logs)
		}
		if _, err := p.try("rm", "--force", "--ignore", "--time", "2", name); err != nil {
			p.t.Error(err)
		}
	})
	p.run(append([]string{"run", "--detach", "--name", name}, args...)...)
}

func firstLine(out string, err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if line == "" {
		return err.Error()
	}
	return line
}
