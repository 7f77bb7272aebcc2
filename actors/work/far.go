package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/work/peer"
	workv1 "receptor/proto/work/v1"
)

// errOldPeer is a node that can't push the states of many units on one stream.
var errOldPeer = errors.New("the node can't push states")

// oldFor is how long a node is taken for an old one without asking again.
const oldFor = time.Minute

// farNodes is where remote units meet the watches over other nodes: one per node
// and TLS client. It is data plane; watches are actors and come and go.
type farNodes struct {
	root *actor.RootContext
	work *actor.PID

	mu    sync.Mutex
	nodes map[farKey]*farNode
}

type farKey struct{ node, tls string }

func newFarNodes(root *actor.RootContext, work *actor.PID) *farNodes {
	return &farNodes{root: root, work: work, nodes: map[farKey]*farNode{}}
}

// find returns the node; at its first unit it gets a watcher.
func (n *farNodes) find(key farKey) *farNode {
	n.mu.Lock()
	f, ok := n.nodes[key]
	if !ok {
		f = &farNode{key: key, units: map[string]*follower{}, wake: make(chan struct{}, 1)}
		n.nodes[key] = f
	}
	n.mu.Unlock()
	if !ok {
		n.root.Send(n.work, &workv1.WatchNode{Node: key.node, TlsClient: key.tls})
	}
	return f
}

// follow calls each with the status of a unit on that node now and at each change,
// until it is final.
func (n *farNodes) follow(ctx context.Context, key farKey, id string, each func(peer.Status) error) error {
	node := n.find(key)
	f := &follower{news: make(chan struct{}, 1)}
	if !node.join(id, f) {
		return errOldPeer
	}
	defer node.leave(id, f)
	for {
		select {
		case <-f.news:
		case <-ctx.Done():
			return ctx.Err()
		}
		status, err := f.take()
		if err == nil {
			err = each(status)
		}
		if err != nil || status.State.Final() {
			return err
		}
	}
}

// follower is who follows one unit. What it has not looked at is overwritten.
type follower struct {
	news chan struct{}

	mu     sync.Mutex
	status peer.Status
	err    error
}

func (f *follower) tell(s peer.Status, err error) {
	f.mu.Lock()
	f.status, f.err = s, err
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *follower) take() (peer.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, f.err
}

// farNode is what is wanted of one node.
type farNode struct {
	key  farKey
	wake chan struct{} // there is something to say

	mu       sync.Mutex
	units    map[string]*follower
	lines    []byte // to be said to the node
	oldUntil time.Time
}

// followed is how many units are.
func (n *farNode) followed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.units)
}

// knownOld reports whether the node can't push states.
func (n *farNode) knownOld() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(n.oldUntil)
}

// join reports false if the node is known to be an old one.
func (n *farNode) join(id string, f *follower) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Now().Before(n.oldUntil) {
		return false
	}
	n.units[id] = f
	n.say("+" + id)
	return true
}

func (n *farNode) leave(id string, f *follower) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.units[id] == f {
		delete(n.units, id)
		n.say("-" + id)
	}
}

// say is called with mu held.
func (n *farNode) say(line string) {
	n.lines = append(append(n.lines, line...), '\n')
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// unsaid returns what has to be said, and whether any unit is followed.
func (n *farNode) unsaid() (lines []byte, followed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines, n.lines = n.lines, nil
	return lines, len(n.units) > 0
}

// sayAll starts a new stream: all that is wanted has to be said.
func (n *farNode) sayAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = nil
	for id := range n.units {
		n.say("+" + id)
	}
}

func (n *farNode) deliver(c peer.Change) {
	n.mu.Lock()
	f, ok := n.units[c.UnitID]
	n.mu.Unlock()
	switch {
	case !ok:
	case c.Gone:
		f.tell(c.Status, peer.ErrUnknownUnit)
	default:
		f.tell(c.Status, nil)
	}
}

// isOld sends all units away: they have to see for themselves.
func (n *farNode) isOld() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.oldUntil, n.lines = time.Now().Add(oldFor), nil
	for id, f := range n.units {
		delete(n.units, id)
		f.tell(peer.Status{}, errOldPeer)
	}
}
