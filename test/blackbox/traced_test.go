package blackbox

import (
	"fmt"
	"io"
	"testing"

	"receptor/test/blackbox/harness"
)

// What bridges copy between the mesh and the world is traced, but not what it says:
// of proxies, of a program on a terminal, and of a stream of the control service.
func TestBridgesAreTraced(t *testing.T) {
	const question = "a question nobody else may read"
	w := newWorld(t)
	way := w.ways(answerWhole)[0]
	a, b := w.linked(ours(), harness.Join(way.enter, []string{"--trace"}), harness.Join(way.leave, []string{"--trace"},
		[]string{"--command-service", "service=echo", "command=head -n 1"}))
	client := w.dial(way.network, way.addr)
	from := client.LocalAddr().String()
	w.asksWhole(client, question)
	for _, line := range []string{
		fmt.Sprintf("     Bridging %s to b:tcp", from), fmt.Sprintf("     Bridging b:tcp to %s", from),
		fmt.Sprintf("     Copied %d bytes from %s to b:tcp", len(question), from),
		fmt.Sprintf("     Stopping bridge %s to b:tcp", from), fmt.Sprintf("     Stopping bridge b:tcp to %s", from),
	} {
		w.logHas(a, line)
	}
	w.logLineHas(b, "TRACE", fmt.Sprintf("     Copied %d bytes from a:", len(question)))

	session, err := a.Connect(w.ctx, "b", "echo", "")
	w.must(err)
	defer session.Conn.Close()
	w.must(func() error {
		if _, err := io.WriteString(session.Conn, question+"\n"); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, session.Conn)
		return err
	}())
	for _, line := range []string{
		fmt.Sprintf("     Bridging %s to b:echo", a.Socket), fmt.Sprintf("     Bridging b:echo to %s", a.Socket),
		fmt.Sprintf("     Copied %d bytes from %s to b:echo", len(question)+1, a.Socket),
		fmt.Sprintf(" bytes from b:echo to %s", a.Socket),
		fmt.Sprintf("     Stopping bridge b:echo to %s", a.Socket),
	} {
		w.logHas(a, line)
	}
	w.must(session.Conn.Close())
	w.logHas(a, fmt.Sprintf("     Stopping bridge %s to b:echo", a.Socket))
	w.logLineHas(b, fmt.Sprintf("     Copied %d bytes from a:", len(question)+1), " to head")
	w.logLineHas(b, "     Stopping bridge head to a:")
	for _, n := range []*harness.Node{a, b} {
		if got := w.logged(n, "question"); got != 0 {
			t.Errorf("%d lines of %s tell what was said", got, n.ID)
		}
	}
}
