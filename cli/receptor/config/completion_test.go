package config

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What bash offers after these words. "=" is a word of its own, as bash splits it.
func TestCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is missing: the script is not run")
	}
	script := generated(t, func(b *bytes.Buffer) error { return WriteCompletion(b, "receptor") })
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mesh.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"--tcp-l"}, "--tcp-listener"},
		{[]string{"--bash"}, "--bash-completion"},
		{[]string{"--node", "foo", "--udp-p"}, "--udp-peer"},
		{[]string{"--tcp-peer", ""}, "address= redial= tls= cost= allowedpeers="},
		{[]string{"--tcp-peer", "address", "=", "h:1", "re"}, "redial="},
		{[]string{"--tcp-peer", "redial", "="}, "true false"},
		{[]string{"--tcp-peer", "redial", "=", "t"}, "true"},
		{[]string{"--log-level", "level", "=", "w"}, "warning"},
		{[]string{"--config", "m"}, "mesh.yml"},
		{[]string{"-c", ""}, "mesh.yml"},
		{[]string{"--tls-server", "cert", "=", "me"}, "mesh.yml"},
		{[]string{"--local-only", "x"}, ""},
		{[]string{""}, ""},
	} {
		words := append([]string{"receptor"}, c.words...)
		line := fmt.Sprintf("%s\nCOMP_WORDS=(", script)
		for _, w := range words {
			line += " " + quoted(w)
		}
		line += fmt.Sprintf(")\nCOMP_CWORD=%d\n_receptor\necho \"${COMPREPLY[*]}\"\n", len(words)-1)
		cmd := exec.Command(bash, "--norc", "-c", line)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !slices.Equal(strings.Fields(string(out)), strings.Fields(c.want)) {
			t.Errorf("%q: %v, offers %q, want %q", c.words, err, out, c.want)
		}
	}
}
