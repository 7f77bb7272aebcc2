package streams

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"receptor/test/probe"
)

// Both ends write a log of a connection; a directory that is not there keeps nobody
// from connecting.
func TestConnectionsAreLogged(t *testing.T) {
	dir := t.TempDir()
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		p.a.net.qlogDir, p.b.net.qlogDir = dir, dir
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "hello"); got != "hello" {
			t.Errorf("got %q", got)
		}
		p.a.net.qlogDir = filepath.Join(dir, "nowhere")
		go serve(p.b.listen(t, "again"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "again"), "hello"); got != "hello" {
			t.Errorf("got %q", got)
		}
		p.stop()
	})
	sides := map[string]int{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		m := regexp.MustCompile(`^log_[0-9a-f]+_(client|server)\.qlog$`).FindStringSubmatch(f.Name())
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if m == nil || err != nil || !strings.Contains(string(text), "packet_sent") {
			t.Errorf("%s, %v: %.200q", f.Name(), err, text)
			continue
		}
		sides[m[1]]++
	}
	if sides["client"] != 1 || sides["server"] != 2 {
		t.Errorf("logs %v", sides)
	}
}
