package work

import (
	"crypto/rand"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// open finds the units that are on disk.
func (w *work) open() ([]store.Loaded, error) {
	var err error
	if w.store, err = store.Open(w.DataDir, w.NodeID); err != nil {
		return nil, err
	}
	if err := w.store.Sweep(); err != nil {
		w.Log.Warn().Err(err).Msg("what is left of released units can't be removed")
	}
	return w.store.Load(loadLimit)
}

// stop ends what start began. It may have failed before it began anything.
func (w *work) stop() {
	if w.program == nil {
		return
	}
	w.notices.close()
	w.program.Close()
	w.ages.close()
	w.stopRetention()
}

// newID is an ID that no unit has, here or on disk. A disk that does not answer ends
// the search, whatever is asked next.
func (w *work) newID() (string, error) {
	for {
		id, err := unit.NewID(rand.Reader)
		if err != nil {
			return "", err
		}
		if w.units[id] != nil {
			continue
		}
		if free, err := w.store.IsFree(id); free || err != nil {
			return id, err
		}
	}
}
