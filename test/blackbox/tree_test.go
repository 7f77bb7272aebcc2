package blackbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/blackbox/harness"
)

// A tree that waits for an actor which does not answer takes two seconds.
const treePatience = time.Second

func TestTreeShowsTheFamilies(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	b := w.node("b", harness.Listener(port))
	a := w.node("a", harness.Peer(port), []string{"--debug"})
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))

	start := time.Now()
	root := w.tree(a)
	if took := time.Since(start); took > treePatience {
		t.Errorf("the tree took %v: somebody does not answer", took)
	}
	if root.GetPath() != "node" || root.GetState() != supervisev1.State_STATE_RUNNING {
		t.Errorf("the root is %s, %s", root.GetPath(), root.GetState())
	}
	for _, family := range []string{"router", "links", "streams", "work", "services", "control"} {
		if find(root, "node/"+family) == nil {
			t.Errorf("no family %s", family)
		}
	}
	link := find(root, fmt.Sprintf("node/links/tcp-peer:127.0.0.1:%d/link", port))
	if link.GetKind() != "link" || link.GetState() != supervisev1.State_STATE_RUNNING {
		t.Errorf("the link is %v", link)
	}
}

func TestTreeIsForDebuggingOnly(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"})
	w.up(foo)
	_, err := foo.Ask(w.ctx, "tree")
	if text := harness.ErrText(err); !strings.Contains(text, "debug") {
		t.Errorf("tree: %v", err)
	}
}

// tree asks for the actors of a node.
func (w *world) tree(n *harness.Node) *supervisev1.Actor {
	w.t.Helper()
	text, err := n.Ask(w.ctx, "tree")
	w.must(err)
	tree := &supervisev1.Tree{}
	w.must(protojson.Unmarshal([]byte(text), tree))
	return tree.GetActor()
}

// find is the actor of a path, or nil.
func find(a *supervisev1.Actor, path string) *supervisev1.Actor {
	if a.GetPath() == path {
		return a
	}
	for _, child := range a.GetChildren() {
		if found := find(child, path); found != nil {
			return found
		}
	}
	return nil
}
