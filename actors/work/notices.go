package work

import (
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/work/store"
	workv1 "receptor/proto/work/v1"
)

// notices is the one file watcher of the family. Growing output wakes readers
// directly; a new status becomes a message to the unit, of which at most one is
// under way.
type notices struct {
	root *actor.RootContext
	log  zerolog.Logger
	done sync.WaitGroup

	mu     sync.Mutex
	events *fileEvents        // nil until the first unit: a node without work needs none
	dirs   map[string]int32   // watches by path
	units  map[int32]*watched // by watch
	closed bool
}

// watched is one unit's directory.
type watched struct {
	unit    *actor.PID
	feed    *feed
	pending atomic.Bool // StatusWritten is in the mailbox
}

func newNotices(root *actor.RootContext, log zerolog.Logger) *notices {
	return &notices{root: root, log: log, dirs: map[string]int32{}, units: map[int32]*watched{}}
}

// open is called with mu held.
func (n *notices) open() (*fileEvents, error) {
	if n.closed {
		return nil, fs.ErrClosed
	}
	if n.events == nil {
		events, err := newFileEvents()
		if err != nil {
			return nil, err
		}
		n.events = events
		n.done.Go(func() { events.each(n.notice) })
	}
	return n.events, nil
}

// add watches the directory of a unit that runs.
func (n *notices) add(dir store.Dir, pid *actor.PID, f *feed) (*watched, error) {
	w := &watched{unit: pid, feed: f}
	n.mu.Lock()
	defer n.mu.Unlock()
	events, err := n.open()
	if err != nil {
		return w, err
	}
	watch, err := events.add(dir.Path())
	if err == nil {
		n.dirs[dir.Path()], n.units[watch] = watch, w
	}
	return w, err
}

// remove forgets a directory; that it is not watched is no error.
func (n *notices) remove(dir store.Dir) {
	n.mu.Lock()
	defer n.mu.Unlock()
	watch, ok := n.dirs[dir.Path()]
	if !ok {
		return
	}
	delete(n.dirs, dir.Path())
	delete(n.units, watch)
	if err := n.events.remove(watch); err != nil && !n.closed {
		n.log.Warn().Str("path", dir.Path()).Err(err).Msg("directory can't be forgotten")
	}
}

func (n *notices) close() {
	n.mu.Lock()
	n.closed = true
	if n.events != nil {
		n.events.close()
	}
	n.mu.Unlock()
	n.done.Wait()
}

func (n *notices) notice(e fileEvent) {
	if e.watch == noWatch {
		n.log.Warn().Msg("file watcher lost events, all units are looked at")
		n.noticeAll()
		return
	}
	n.mu.Lock()
	w := n.units[e.watch]
	n.mu.Unlock()
	switch {
	case w == nil:
	case e.name == store.StdoutName, e.name == stderrName:
		w.feed.grew()
	case e.name == store.StatusName:
		w.statusWritten(n.root)
	}
}

func (n *notices) noticeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.units {
		w.feed.grew()
		w.statusWritten(n.root)
	}
}

func (w *watched) statusWritten(root *actor.RootContext) {
	if w.pending.CompareAndSwap(false, true) {
		root.Send(w.unit, &workv1.StatusWritten{})
	}
}
