package work

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

const (
	// keepAlive is how often a watch speaks although nothing has changed, so that
	// its reader can tell silence from death.
	keepAlive = 10 * time.Second
	// growthPause gathers news of growing output, which nobody is waiting for.
	growthPause = 100 * time.Millisecond
	// watchLimit bounds what one client can make us watch.
	watchLimit = 100_000
)

// watcher gathers which of many units have changed. A unit that changes often is
// looked at once: what it was in between is nobody's business.
type watcher struct {
	wake chan struct{} // something urgent changed
	slow chan struct{} // something else did

	mu    sync.Mutex
	dirty map[string]bool
}

func (w *watcher) mark(id string, urgent bool) {
	w.mu.Lock()
	w.dirty[id] = true
	w.mu.Unlock()
	wake := w.slow
	if urgent {
		wake = w.wake
	}
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.dirty))
	for id := range w.dirty {
		ids = append(ids, id)
	}
	clear(w.dirty)
	return ids
}

// watch is one client's watch over many units.
type watch struct {
	*watcher
	feeds *Feeds
	units map[string]*watchedFeed
	each  func([]*workv1.Status) error
}

type watchedFeed struct {
	*feed // nil if there is no such unit
	state workv1.State
	text  string // the detail that was told
	size  int64
	told  bool
}

// WatchUnits calls each with the units whose status is not what it was told
// before, and with none of them when nothing happens for a while. The client asks
// for units ("+ID") and loses interest ("-ID"); a unit that is final or gone is
// told of once more.
func (f *Feeds) WatchUnits(ctx context.Context, asked <-chan string, each func([]*workv1.Status) error) error {
	w := &watch{
		watcher: &watcher{wake: make(chan struct{}, 1), slow: make(chan struct{}, 1), dirty: map[string]bool{}},
		feeds:   f, units: map[string]*watchedFeed{}, each: each,
	}
	defer w.close()
	return w.run(ctx, asked)
}

func (w *watch) run(ctx context.Context, asked <-chan string) error {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	var growth <-chan time.Time
	var questions <-chan string // none before all units are known
	loaded := w.feeds.loaded
	for {
		var err error
		select {
		case <-loaded:
			loaded, questions = nil, asked
		case line := <-questions:
			w.ask(line)
		case <-w.slow:
			if growth == nil {
				growth = time.After(growthPause)
			}
		case <-growth:
			growth = nil
			err = w.tell()
		case <-w.wake:
			err = w.tell()
		case <-alive.C:
			err = w.each(nil)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (w *watch) ask(line string) {
	id, on := strings.CutPrefix(line, "+")
	if !on {
		w.forget(strings.TrimPrefix(line, "-"))
		return
	}
	if w.units[id] != nil || len(w.units) >= watchLimit {
		return
	}
	u := &watchedFeed{}
	if f, ok := w.feeds.find(id); ok {
		u.feed = f
		f.mu.Lock()
		f.watchers = append(f.watchers, w.watcher)
		f.mu.Unlock()
	}
	w.units[id] = u
	w.mark(id, true)
}

func (w *watch) forget(id string) {
	u, ok := w.units[id]
	if !ok {
		return
	}
	delete(w.units, id)
	if u.feed != nil {
		u.mu.Lock()
		u.watchers = slices.DeleteFunc(u.watchers, func(other *watcher) bool { return other == w.watcher })
		u.mu.Unlock()
	}
}

func (w *watch) close() {
	for id := range w.units {
		w.forget(id)
	}
}

// tell tells of all units that have changed.
func (w *watch) tell() error {
	var news []*workv1.Status
	for _, id := range w.take() {
		if u, ok := w.units[id]; ok {
			if s := u.news(id); s != nil {
				news = append(news, s)
				if s.GetGone() || unit.State(s.GetState()).Final() {
					w.forget(id)
				}
			}
		}
	}
	if len(news) == 0 {
		return nil
	}
	return w.each(news)
}

// news is the status if it is not what was told before.
func (u *watchedFeed) news(id string) *workv1.Status {
	if u.feed == nil || u.isReleased() {
		return &workv1.Status{UnitId: id, Gone: true}
	}
	s := u.current()
	if u.told && s.GetState() == u.state && s.GetDetail() == u.text && s.GetStdoutSize() == u.size {
		return nil
	}
	u.told, u.state, u.text, u.size = true, s.GetState(), s.GetDetail(), s.GetStdoutSize()
	return s
}

func (u *feed) isReleased() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.released
}
