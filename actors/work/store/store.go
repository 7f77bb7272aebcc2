// Package store keeps units of work on disk, in the layout of the existing
// system, so that its tools can read it:
//
//	DATADIR/NODEID/UNITID/   0700
//	├── status               one JSON object; replaced by rename, never rewritten
//	├── status.lock          held exclusively while status is read or replaced
//	├── stdin                the payload
//	├── stdout               the output
//	├── stderr               ours: standard error of a command, kept apart
//	├── runner.json          ours: who runs the command; locked by the runner while it lives
//	├── pod.json             ours: limits of a unit that a pod does, and that it was released
//	├── log.json             ours: how far the log of the pod was read
//	├── key                  ours: names the request that made the unit
//	├── cancel               ours: cancel was asked for
//	└── force                ours: release was asked for, whatever the other node says
//
// A directory that is being made or removed has a name of its own, .part-UNITID: a
// unit's is always whole.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"receptor/actors/work/unit"
)

// Store is the directory of one node's units.
type Store struct{ root string }

// Open returns the store of a node. Nothing is created before the first unit.
func Open(dataDir, nodeID string) (*Store, error) {
	if dataDir == "" {
		dataDir = filepath.Join(os.TempDir(), "receptor")
	}
	if !filepath.IsLocal(nodeID) || nodeID == "." {
		return nil, fmt.Errorf("node ID %q can't be a directory name", nodeID)
	}
	root, err := filepath.Abs(filepath.Join(dataDir, nodeID))
	return &Store{root: root}, err
}

// Dir is the directory of a unit, which need not exist. The ID must be valid.
func (s *Store) Dir(id string) Dir { return Dir{path: filepath.Join(s.root, id)} }

// Has reports whether there is, or may be, a directory of that name.
func (s *Store) Has(id string) bool {
	free, _ := s.IsFree(id)
	return !free
}

// IsFree reports whether there is nothing of that name.
func (s *Store) IsFree(id string) (bool, error) {
	_, err := os.Lstat(filepath.Join(s.root, id))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true, nil
	}
	return false, err
}

// Create makes the directory of a new unit; key may be empty. On failure nothing
// is left behind; after a crash the directory is whole or none.
func (s *Store) Create(id string, r unit.Record, key string) (Dir, error) {
	if err := MakeDir(s.root); err != nil {
		return Dir{}, err
	}
	d := s.Dir(id)
	if s.Has(id) {
		return Dir{}, &fs.PathError{Op: "mkdir", Path: d.path, Err: fs.ErrExist}
	}
	part := d.part()
	err := part.fill(r, key)
	if err == nil {
		err = os.Rename(part.path, d.path)
	}
	if err == nil {
		err = syncDir(s.root)
	}
	if err != nil {
		return Dir{}, errors.Join(err, os.RemoveAll(part.path), os.RemoveAll(d.path))
	}
	return d, nil
}

// fill makes a directory and what is in it at first.
func (d Dir) fill(r unit.Record, key string) error {
	err := os.Mkdir(d.path, 0o700)
	if err == nil {
		err = os.WriteFile(d.Stdin(), nil, 0o600)
	}
	if err == nil && key != "" {
		err = writeFile(d.keyFile(), []byte(key), true)
	}
	if err == nil {
		err = d.begin(r)
	}
	if err == nil {
		err = syncDir(d.path)
	}
	return err
}

// Sweep removes the parts of directories that a crash left of units that were just
// made, or just released.
func (s *Store) Sweep() error {
	parts, err := filepath.Glob(filepath.Join(s.root, partPrefix+"*"))
	for _, part := range parts {
		err = errors.Join(err, os.RemoveAll(part))
	}
	return err
}

// Loaded is a unit found on disk. Err says why its record can't be read.
type Loaded struct {
	ID     string
	Key    string // of the request that made it; empty for none
	Record unit.Record
	// Written is when the record was written, in nanoseconds since 1970.
	Written int64
	Err     error
}

// Load reads all units. Directories that are locked by others are waited for
// until the time is over, and are then reported as unreadable.
func (s *Store) Load(limit time.Duration) ([]Loaded, error) {
	entries, err := os.ReadDir(s.root)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil // the first unit makes the folder, or says why it can't
	}
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(limit)
	var units []Loaded
	for _, e := range entries {
		if !e.IsDir() || !unit.ValidID(e.Name()) {
			continue
		}
		r, err := s.Dir(e.Name()).read(min(lockWait, time.Until(deadline)))
		var key string
		if err == nil {
			key, err = s.Dir(e.Name()).key()
		}
		written, _ := s.Dir(e.Name()).Written() // without a record there is no time
		units = append(units, Loaded{ID: e.Name(), Key: key, Record: r, Written: written.UnixNano(), Err: err})
	}
	return slices.Clip(units), nil
}
