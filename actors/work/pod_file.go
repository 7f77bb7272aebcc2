package work

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// podFile is what a unit has to remember that has no place in its record.
type podFile struct {
	PendingMS int64 `json:",omitempty"` // how long the pod may take to become ready; 0 for ever
	Released  bool  `json:",omitempty"` // it is to be released,
	Forced    bool  `json:",omitempty"` // whether the pod can be deleted or not
}

// writePodFile with sync has it survive a power failure.
func writePodFile(d store.Dir, f podFile, sync bool) error {
	if f == (podFile{}) {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return store.Replace(d.PodFile(), text, sync)
}

func readPodFile(d store.Dir) (f podFile, err error) {
	text, err := os.ReadFile(d.PodFile())
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, err
}

// podTimeout is how long the unit's pod may take to become ready; 0 for ever.
func podTimeout(d store.Dir) (time.Duration, error) {
	f, err := readPodFile(d)
	return time.Duration(f.PendingMS) * time.Millisecond, err
}

// podFound is what is known of a unit besides its record.
func (f *family) podFound(d store.Dir, r unit.Record) unit.PodFound {
	file, err := readPodFile(d)
	if err != nil {
		f.Log.Warn().Str("dir", d.Path()).Err(err).Msg("what is to be remembered of a pod can't be read")
	}
	return unit.PodFound{Known: f.terms().types[r.WorkType].kube != nil, Released: file.Released, Forced: file.Forced}
}

// markRelease lets the release survive the daemon; how long the pod may take is of no
// more use. If it can't the release goes on all the same: a full disk is a reason to
// release units.
func (u *podUnit) markRelease() {
	err := writePodFile(u.dir, podFile{Released: true, Forced: u.machine.Forced}, true)
	if err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("release can't be written down: ask again if the node ends before the pod is deleted")
	}
}
