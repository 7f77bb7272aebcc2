package deploy

import (
	"context"
	"errors"
	"fmt"
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
