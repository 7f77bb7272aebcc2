package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

var (
	// ErrUnknownUnit is an ID that no unit has.
	ErrUnknownUnit = errors.New("unknown work unit")
	// ErrReleased is a unit that was released while somebody read from it.
	ErrReleased = errors.New("work unit was released")
	// ErrShort is an output file that ends before the size its unit announced.
	ErrShort = errors.New("output is shorter than announced")
)

// Feeds is the data plane of the family: what goroutines elsewhere read of units
// without asking an actor. Units publish, any number of readers follow.
type Feeds struct {
	mu    sync.RWMutex
	units map[string]*feed
	// farErrors opens the standard error of a unit on another node.
	farErrors func(context.Context, *unit.RemoteData, int64, bool) (CopyTo, error)

	loaded chan struct{} // closed when all units of this node are known
	once   sync.Once
}

// NewFeeds returns feeds without units. Until they are complete nobody is told that
// there is no such unit.
func NewFeeds() *Feeds { return &Feeds{units: map[string]*feed{}, loaded: make(chan struct{})} }

// complete says that all units of this node are known.
func (f *Feeds) complete() { f.once.Do(func() { close(f.loaded) }) }

// feed is what is known of one unit.
type feed struct {
	id      string
	dir     store.Dir
	created int64 // nanoseconds since 1970; 0 if unknown

	mu       sync.Mutex
	status   *workv1.Status // frozen; replaced on each change
	released bool
	changed  chan struct{} // closed at the next change; nil while nobody waits
	watchers []*watcher    // of many units
	queue    *queue        // where it may wait; nil for none
}

// publish replaces the status of a unit, which need not be there yet.
func (f *Feeds) publish(id string, dir store.Dir, s *workv1.Status) *feed {
	f.mu.Lock()
	u, ok := f.units[id]
	if !ok {
		u = &feed{id: id, dir: dir, status: s, created: created(dir)}
		f.units[id] = u
	}
	f.mu.Unlock()
	s.CreatedUnixNs = u.created // nobody has it yet
	u.update(true, func() { u.status = s })
	return u
}

// created is when the payload was written: nothing else of a unit keeps its time.
func created(dir store.Dir) int64 {
	info, err := os.Stat(dir.Stdin())
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

// remove ends a unit for all who follow it.
func (f *Feeds) remove(id string) {
	f.mu.Lock()
	u, ok := f.units[id]
	delete(f.units, id)
	f.mu.Unlock()
	if ok {
		u.update(true, func() { u.released = true })
	}
}

// retain removes all units that are not in the list.
func (f *Feeds) retain(known map[string]bool) {
	f.mu.RLock()
	var stale []string
	for id := range f.units {
		if !known[id] {
			stale = append(stale, id)
		}
	}
	f.mu.RUnlock()
	for _, id := range stale {
		f.remove(id)
	}
}

func (f *Feeds) find(id string) (*feed, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	u, ok := f.units[id]
	return u, ok
}

// status is the status of one unit; nil if there is none.
func (f *Feeds) status(id string) *workv1.Status {
	u, ok := f.find(id)
	if !ok {
		return nil
	}
	return u.current()
}

// update changes the feed and wakes all who follow it; those who watch many units
// take their time if it is not urgent.
func (u *feed) update(urgent bool, change func()) {
	u.mu.Lock()
	change()
	changed := u.changed
	u.changed = nil
	for _, w := range u.watchers {
		w.mark(u.id, urgent)
	}
	u.mu.Unlock()
	if changed != nil {
		close(changed)
	}
}

// waitIn says in which queue the unit waits for its turn.
func (u *feed) waitIn(q *queue) { u.update(true, func() { u.queue = q }) }

// grew wakes all who follow the output.
func (u *feed) grew() { u.update(false, func() {}) }

// look returns the present state, and what is closed when it changes.
func (u *feed) look() (s *workv1.Status, released bool, changed <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.changed == nil {
		u.changed = make(chan struct{})
	}
	return u.status, u.released, u.changed
}

// published is the status as the unit told it last.
func (u *feed) published() *workv1.Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// current is the status with the output that is there now.
func (u *feed) current() *workv1.Status { return u.present(u.published()) }

func (u *feed) present(s *workv1.Status) *workv1.Status {
	if unit.State(s.State).Final() {
		return s
	}
	u.mu.Lock()
	q := u.queue
	u.mu.Unlock()
	detail := s.Detail
	if q != nil {
		detail = cmp.Or(q.detail(s.UnitId), detail)
	}
	return &workv1.Status{
		UnitId: s.UnitId, State: s.State, Detail: detail, StdoutSize: u.dir.OutputSize(),
		WorkType: s.WorkType, ExtraData: s.ExtraData,
		RemoteNode: s.RemoteNode, RemoteWorkType: s.RemoteWorkType, CreatedUnixNs: s.CreatedUnixNs,
	}
}

// WatchStatus calls each with the status of a unit at once and on each change,
// and ends after a final state.
func (f *Feeds) WatchStatus(ctx context.Context, unitID string, each func(*workv1.Status) error) error {
	u, ok := f.find(unitID)
	if !ok {
		return ErrUnknownUnit
	}
	var last *workv1.Status
	for {
		s, released, changed := u.look()
		if released {
			return ErrReleased
		}
		if s != last {
			last = s
			if err := each(u.current()); err != nil || unit.State(s.State).Final() {
				return err
			}
		}
		if err := waitFor(ctx, changed); err != nil {
			return err
		}
	}
}

// CopyResults writes the output from offset on and follows it until the unit is
// final and all is copied.
func (f *Feeds) CopyResults(ctx context.Context, unitID string, offset int64, w io.Writer) error {
	u, ok := f.find(unitID)
	if !ok {
		return ErrUnknownUnit
	}
	if offset < 0 {
		return fmt.Errorf("offset %d is negative", offset)
	}
	c := &copier{path: u.dir.Stdout(), w: w, at: offset}
	defer c.close()
	for {
		s, released, changed := u.look()
		if released {
			return ErrReleased
		}
		if err := c.copy(); err != nil {
			return err
		}
		if unit.State(s.State).Final() {
			if c.at < s.StdoutSize {
				return fmt.Errorf("%w: %d of %d bytes", ErrShort, c.at, s.StdoutSize)
			}
			return nil
		}
		if err := waitFor(ctx, changed); err != nil {
			return err
		}
	}
}

func waitFor(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// copyPiece is how much is read at once where the kernel can't copy by itself.
const copyPiece = 256 << 10

// Readers borrow a buffer for each pass: most of the time they wait.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyPiece); return &b }}

// copier copies one output file to one reader.
type copier struct {
	path string
	w    io.Writer
	at   int64
	file *os.File
}

// copy writes what is there now.
func (c *copier) copy() error {
	if c.file == nil {
		file, err := os.Open(c.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := file.Seek(c.at, io.SeekStart); err != nil {
			return errors.Join(err, file.Close())
		}
		c.file = file
	}
	n, err := c.pass()
	c.at += n
	if err != nil {
		return fmt.Errorf("copy results: %w", err)
	}
	return nil
}

// pass copies what is there, if there is anything. It leaves the copying
// to the kernel where it can: from file to socket.
func (c *copier) pass() (int64, error) {
	if info, err := c.file.Stat(); err != nil || info.Size() <= c.at {
		return 0, err
	}
	switch c.w.(type) {
	case *net.UnixConn, *net.TCPConn:
		return io.Copy(c.w, c.file)
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.w}, struct{ io.Reader }{c.file}, *buf)
}

func (c *copier) close() {
	if c.file != nil {
		c.file.Close()
	}
}
