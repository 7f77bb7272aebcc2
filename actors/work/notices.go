package work

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/fsnotify/fsnotify"
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
	fs   *fsnotify.Watcher
	done sync.WaitGroup

	mu     sync.Mutex
	dirs   map[string]*watched
	closed bool
}

// watched is one unit's directory.
type watched struct {
	unit    *actor.PID
	feed    *feed
	pending atomic.Bool // StatusWritten is in the mailbox
}

func newNotices(root *actor.RootContext, log zerolog.Logger) *notices {
	return &notices{root: root, log: log, dirs: map[string]*watched{}}
}

// watcher is there from the first unit on: a node without work needs none. mu is
// held.
func (n *notices) watcher() (*fsnotify.Watcher, error) {
	if n.closed {
		return nil, fsnotify.ErrClosed
	}
	if n.fs == nil {
		w, err := fsnotify.NewWatcher()
		if err != nil {
			return nil, fmt.Errorf("watch files: %w", err)
		}
		n.fs = w
		n.done.Go(func() { n.run(w) })
	}
	return n.fs, nil
}

// add watches the directory of a unit that runs.
func (n *notices) add(dir store.Dir, pid *actor.PID, f *feed) (*watched, error) {
	w := &watched{unit: pid, feed: f}
	n.mu.Lock()
	defer n.mu.Unlock()
	fs, err := n.watcher()
	if err != nil {
		return w, err
	}
	n.dirs[dir.Path()] = w
	return w, fs.Add(dir.Path())
}

// remove forgets a directory; that it is not watched is no error.
func (n *notices) remove(dir store.Dir) {
	n.mu.Lock()
	_, ok := n.dirs[dir.Path()]
	delete(n.dirs, dir.Path())
	n.mu.Unlock()
	if ok {
		n.fs.Remove(dir.Path()) //nolint:errcheck // the directory may be gone, and its watch with it
	}
}

func (n *notices) close() {
	n.mu.Lock()
	fs := n.fs
	n.closed = true
	n.mu.Unlock()
	if fs != nil {
		fs.Close()
	}
	n.done.Wait()
}

func (n *notices) run(fs *fsnotify.Watcher) {
	for {
		select {
		case e, ok := <-fs.Events:
			if !ok {
				return
			}
			n.notice(e)
		case err, ok := <-fs.Errors:
			if !ok {
				return
			}
			// Events were lost: everybody looks for themselves.
			n.log.Warn().Err(err).Msg("file watcher lost events")
			n.noticeAll()
		}
	}
}

func (n *notices) notice(e fsnotify.Event) {
	n.mu.Lock()
	w := n.dirs[filepath.Dir(e.Name)]
	n.mu.Unlock()
	if w == nil || e.Op == fsnotify.Chmod {
		return
	}
	switch filepath.Base(e.Name) {
	case store.StdoutName:
		w.feed.grew()
	case store.StatusName:
		w.statusWritten(n.root)
	}
}

func (n *notices) noticeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.dirs {
		w.feed.grew()
		w.statusWritten(n.root)
	}
}

func (w *watched) statusWritten(root *actor.RootContext) {
	if w.pending.CompareAndSwap(false, true) {
		root.Send(w.unit, &workv1.StatusWritten{})
	}
}
