package blackbox

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// Started as the existing system is for a map, a node reloads its file by itself.
func TestAFileIsWatchedOnRequest(t *testing.T) {
	w := newWorld(t)
	foo := w.configured("foo")
	foo.Args = []string{"--config-v2"}
	port := w.port()
	sections := func(more ...string) {
		text := fmt.Sprintf("node: {id: foo, datadir: %s}\ncontrol-services: [{service: control, filename: %s}]\n", foo.DataDir, foo.Socket)
		w.must(os.WriteFile(foo.ConfigFile, []byte(text+strings.Join(more, "\n")), 0o600))
	}
	sections("local-only: {local: true}")
	w.up(foo.Node)
	sections(fmt.Sprintf("tcp-listeners: [{bindaddr: 127.0.0.1, port: %d}]", port), "work-commands: [{worktype: date, command: date}]")
	w.logLineHas(foo.Node, "INFO", "Config file changed: "+foo.ConfigFile)
	w.must(harness.Until(w.ctx, "the reload", func() error {
		conn, err := w.dialer().Dial("tcp4", local(port))
		if err == nil {
			err = conn.Close()
		}
		return err
	}))
	w.advertises(foo.Node, "foo", []string{"control"}, []string{"date"})
	sections("tcp-listeners: [{port: many}]")
	w.logLineHas(foo.Node, "WARNING", "Reload not successful", "many")
	sections()
	w.logLineHas(foo.Node, "WARNING", "Reload not successful", "no listener, peer or local-only")
	w.must(w.dial("tcp4", local(port)).Close())
}
