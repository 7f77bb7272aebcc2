package blackbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// playbook does something on the node where the worker runs, says so, and fails if
// it is told to.
const playbook = `
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {dest: "%s", content: "was here", mode: "0600"}
    - ansible.builtin.debug: {msg: "greetings from a mesh"}
    - ansible.builtin.command: "%s"
`

// Ansible Runner prepares a job, the mesh carries it to where it is done, and its
// results are processed here: what most users do with a mesh.
func TestAnsibleRunner(t *testing.T) {
	for _, program := range []string{"ansible-runner", "ansible-playbook"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing (Debian: python3-ansible-runner, ansible-core): jobs of Ansible Runner are not tested", program)
		}
	}
	t.Parallel()
	w := newLoneWorld(t, 4*patience) // it takes seconds to start Ansible
	a, _, c := w.chain(harness.Command("ansible-runner", "ansible-runner", "worker"))
	for _, p := range []struct {
		name, command, rc, status string
		stdout                    []string
	}{
		{"works", "true", "0", "successful", []string{"greetings from a mesh", "failed=0"}},
		{"fails", "false", "2", "failed", []string{"greetings from a mesh", "non-zero return code", "failed=1"}},
	} {
		t.Run(p.name, func(t *testing.T) {
			w := w.in(t)
			mark := filepath.Join(w.Dir, p.name+".mark")
			done := filepath.Join(w.playsAway(a, c.ID, p.name, p.rc, fmt.Sprintf(playbook, mark, p.command)), "artifacts") //nolint:misspell // its name there
			w.fileHas(mark, "was here")
			w.fileHas(filepath.Join(done, "rc"), p.rc)
			w.fileHas(filepath.Join(done, "status"), p.status)
			w.fileHas(filepath.Join(done, "stdout"), p.stdout...)
			events, err := os.ReadDir(filepath.Join(done, "job_events"))
			if err != nil || len(events) < 3 {
				t.Errorf("%d events of the job arrived, %v", len(events), err)
			}
		})
	}
}

// playsAway transmits, works and processes. The exit status of the job is that of its
// worker, too. It returns the folder of the results.
func (w *world) playsAway(from *harness.Node, to, name, rc, playbook string) string {
	w.t.Helper()
	dir, results := filepath.Join(w.Dir, name), filepath.Join(w.Dir, name+".results")
	for file, text := range map[string]string{
		"project/site.yml": playbook,
		"inventory/hosts":  "localhost ansible_connection=local\n",
	} {
		w.must(os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700))
		w.must(os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	job := w.ansible("", "transmit", dir, "--playbook", "site.yml")
	unit, _, err := from.Submit(w.ctx, harness.Work{Node: to, Type: "ansible-runner", Payload: strings.NewReader(job)})
	w.must(err)
	u, err := from.Finished(w.ctx, unit)
	w.must(err)
	if !strings.HasPrefix(u.Detail, "exit status "+rc) {
		w.t.Errorf("the unit is %s, %s, want exit status %s", u.StateName, u.Detail, rc)
	}
	var done strings.Builder
	_, err = from.Results(w.ctx, unit, 0, &done)
	w.must(err)
	w.ansible(done.String(), "process", results)
	w.released(from, unit)
	return results
}

// ansible runs ansible-runner.
func (w *world) ansible(input string, args ...string) string {
	w.t.Helper()
	stdout, stderr, code := w.runWith(input, "ansible-runner", args...)
	if code != 0 {
		w.t.Fatalf("ansible-runner %s: exit status %d: %s", args[0], code, stderr)
	}
	return stdout
}

// fileHas wants all of these in a file.
func (w *world) fileHas(file string, texts ...string) {
	w.t.Helper()
	content, err := os.ReadFile(file)
	w.must(err)
	for _, text := range texts {
		if !strings.Contains(string(content), text) {
			w.t.Errorf("%s has no %q:\n%s", filepath.Base(file), text, content)
		}
	}
}
