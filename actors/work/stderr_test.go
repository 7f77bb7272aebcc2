package work_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/actors/work"
	workv1 "receptor/proto/work/v1"
)

// errorsOf reads standard error as the control service of a node does.
func (p *pair) errorsOf(n *node, id string, offset int64, follow bool) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	copyTo, err := n.cfg.Feeds.OpenErrors(ctx, id, offset, follow)
	if err == nil {
		err = copyTo(ctx, &out)
	}
	if err != nil {
		p.Errorf("standard error of %s: %v", id, err)
	}
	return out.String()
}

func TestStandardErrorComesFromWhereTheWorkIsDone(t *testing.T) {
	go1 := filepath.Join(t.TempDir(), "go")
	script := "echo out; echo first >&2; while ! [ -e " + go1 + " ]; do sleep 0.02; done; echo second >&2"
	change := func(p *pair) {
		p.far.cfg.Types = append(p.far.cfg.Types, work.CommandType{Type: "talk", Command: "sh", Params: `-c "` + script + `"`})
	}
	onPair(t, change, func(p *pair) {
		near := p.submit("talk", "", nil)
		p.await(p.near, near, func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING })
		far := p.list(p.far)[0].GetUnitId()
		// What is followed arrives while the unit runs.
		r, w := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			copyTo, err := p.near.cfg.Feeds.OpenErrors(t.Context(), near, 0, true)
			if err == nil {
				err = copyTo(t.Context(), w)
			}
			ended <- err
			_ = w.CloseWithError(io.EOF)
		}()
		first := make([]byte, len("first\n"))
		if _, err := io.ReadFull(r, first); err != nil || string(first) != "first\n" {
			t.Fatalf("got %q, %v", first, err)
		}
		for n, id := range map[*node]string{p.near: near, p.far: far} {
			if got := p.errorsOf(n, id, 2, false); got != "rst\n" {
				t.Errorf("%s: got %q", n.cfg.NodeID, got)
			}
		}
		if err := os.WriteFile(go1, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(r)
		if err != nil || string(rest) != "second\n" || <-ended != nil {
			t.Errorf("got %q, %v", rest, err)
		}
		p.final(p.near, near)
		if got := p.errorsOf(p.near, near, 0, true); got != "first\nsecond\n" || p.results(p.near, near) != "out\n" {
			t.Errorf("standard error %q, output %q", got, p.results(p.near, near))
		}
	})
}

func TestStandardErrorThatIsNotToBeHad(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		if _, err := p.near.cfg.Feeds.OpenErrors(t.Context(), "nosuch", 0, false); err == nil || !strings.Contains(err.Error(), "unknown work unit") {
			t.Errorf("got %v", err)
		}
		id := p.submit("cat", "x", nil)
		p.final(p.near, id)
		if got := p.errorsOf(p.near, id, 0, true); got != "" {
			t.Errorf("cat said %q", got)
		}
		p.down(p.far)
		if _, err := p.near.cfg.Feeds.OpenErrors(t.Context(), id, 0, false); err == nil || !strings.Contains(err.Error(), "far") {
			t.Errorf("got %v", err)
		}
		p.up(p.far)
	})
}
