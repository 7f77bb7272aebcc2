package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"receptor/test/blackbox/harness"
)

// eventually looks until there is no error.
func eventually(t *testing.T, what string, look func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := harness.Until(ctx, what, look); err != nil {
		t.Fatal(err)
	}
}

// The dialogue of the introduction: a container with its default configuration, and
// receptorctl status in it.
func TestContainerAnswersStatus(t *testing.T) {
	p := newPodman(t)
	p.start("receptor", "--network", "none", image)
	id := p.run("inspect", "--format", "{{.Config.Hostname}}", "receptor")
	eventually(t, "the status", func() error {
		out, err := p.try("exec", "receptor", "receptorctl", "status")
		if err != nil {
			return err
		}
		if !strings.Contains(out, "Node ID: "+id+"\n") {
			return fmt.Errorf("no node %s in %q", id, out)
		}
		return nil
	})
	if user := p.run("inspect", "--format", "{{.Config.User}}", "receptor"); !strings.HasPrefix(user, "65532") {
		t.Errorf("it runs as %q", user)
	}
	p.run("stop", "--time", "20", "receptor")
	if status := p.run("inspect", "--format", "{{.State.ExitCode}}", "receptor"); status != "0" {
		t.Errorf("exit status %s after a stop", status)
	}
	logs := p.run("logs", "receptor")
	if !strings.Contains(logs, "Initialization complete") || strings.Contains(logs, "ERROR") {
		t.Errorf("log:\n%s", logs)
	}
}

// What the Containerfile tells to do for work in containers does it, and leaves the
// files of the image below alone.
func TestImageForWork(t *testing.T) {
	p := newPodman(t)
	needs(t, "busybox")
	dir := t.TempDir()
	program, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	below := "FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nCOPY users /etc/passwd\n" +
		"RUN [\"/bin/busybox\", \"--install\", \"/bin\"]\nRUN mkdir -m 1777 /tmp\n"
	var above strings.Builder
	for line := range strings.Lines(read(t, source("deploy", "container", "Containerfile"))) {
		if example, ok := strings.CutPrefix(line, "#   "); ok {
			above.WriteString(strings.Replace(example, "debian:stable-slim", "localhost/below:latest", 1))
		}
	}
	for name, text := range map[string]string{
		"busybox": read(t, program), "users": "root:x:0:0:below:/:/bin/sh\n", "below": below, "above": above.String(),
		"node": "- node: {datadir: /var/lib/receptor}\n- control-service: {filename: /tmp/receptor.sock}\n- local-only\n- work-command: {worktype: cat, command: cat}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"below", "above"} {
		p.run("build", "--quiet", "--network", "none", "--pull=never", "--tag", "localhost/"+name+":latest", "--file", filepath.Join(dir, name), dir)
	}
	p.start("worker", "--network", "none", "--volume", filepath.Join(dir, "node")+":/etc/receptor/receptor.conf:ro", "localhost/above:latest")
	eventually(t, "work in the container", func() error {
		out, err := p.try("exec", "worker", "receptorctl", "work", "submit", "cat", "--payload", "/etc/passwd", "--follow", "--rm")
		if err == nil && !strings.HasPrefix(out, "root:x:0:0:below:") {
			err = errors.New("users are " + out)
		}
		return err
	})
}

// composition is the part of compose.yaml that the test plays.
type composition struct {
	Services map[string]struct {
		Image, Hostname string
		Volumes         []string
		Networks        []string
	}
	Networks map[string]any
}

// The mesh of three containers runs work over two hops, loses a node whose network
// is taken away, and gets it back.
func TestComposedMeshIsCutAndHeals(t *testing.T) {
	p := newPodman(t)
	needs(t, "iptables")
	p.compose(source("deploy", "compose", "compose.yaml"))

	sees := func(known bool) func() error {
		return func() error {
			out, err := p.try("exec", "a", "receptorctl", "ping", "c", "--count", "1")
			if (err == nil) != known {
				return fmt.Errorf("a ping from a to c worked: %v\n%s", err == nil, out)
			}
			return nil
		}
	}
	eventually(t, "a route from a to c", sees(true))
	eventually(t, "work on c", func() error {
		out, err := p.try("exec", "a", "receptorctl", "work", "submit", "hello", "--node", "c", "--no-payload", "--follow", "--rm")
		if err == nil && !strings.Contains(out, "receptorctl") && !strings.Contains(out, ".") {
			err = errors.New("no version in " + out)
		}
		return err
	})
	p.run("network", "disconnect", "right", "c")
	eventually(t, "c lost", sees(false))
	p.run("network", "connect", "--alias", "c", "right", "c")
	eventually(t, "c back", sees(true))
}

// compose starts what a compose file describes.
func (p *engine) compose(file string) {
	p.t.Helper()
	var c composition
	if err := yaml.Unmarshal([]byte(read(p.t, file)), &c); err != nil {
		p.t.Fatal(err)
	}
	for name := range c.Networks {
		if out, err := p.try("network", "create", name); err != nil {
			p.t.Skipf("networks can't be made here: %s", firstLine(out, err))
		}
		p.t.Cleanup(func() {
			if _, err := p.try("network", "rm", "--force", name); err != nil {
				p.t.Error(err)
			}
		})
	}
	for name, s := range c.Services {
		args := []string{"--hostname", s.Hostname}
		for _, v := range s.Volumes {
			from, to, _ := strings.Cut(v, ":")
			from, err := filepath.Abs(filepath.Join(filepath.Dir(file), from))
			if err != nil {
				p.t.Fatal(err)
			}
			args = append(args, "--volume", from+":"+to)
		}
		for _, n := range s.Networks {
			args = append(args, "--network", n+":alias="+name)
		}
		p.start(name, append(args, s.Image)...)
	}
}
