package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"receptor/actors/work/unit"
)

// lockWait is how long another program may hold status.lock; its holders only
// read or write a few hundred bytes.
const lockWait = 5 * time.Second

// Names of files in a unit's directory that watchers look for.
const (
	StatusName = "status"
	StdoutName = "stdout"
)

// Dir is the directory of one unit.
type Dir struct{ path string }

// At is the directory with that path.
func At(path string) Dir { return Dir{path: path} }

func (d Dir) Path() string   { return d.path }
func (d Dir) Stdin() string  { return filepath.Join(d.path, "stdin") }
func (d Dir) Stdout() string { return filepath.Join(d.path, StdoutName) }
func (d Dir) Stderr() string { return filepath.Join(d.path, "stderr") }

// RunnerFile is where the runner says who it is; it holds a lock on it.
func (d Dir) RunnerFile() string { return filepath.Join(d.path, "runner.json") }

// PodFile is what is to be remembered of a pod, LogFile how far its log was read.
func (d Dir) PodFile() string { return filepath.Join(d.path, "pod.json") }
func (d Dir) LogFile() string { return filepath.Join(d.path, "log.json") }

func (d Dir) cancelMark() string { return filepath.Join(d.path, "cancel") }
func (d Dir) forceMark() string  { return filepath.Join(d.path, "force") }
func (d Dir) keyFile() string    { return filepath.Join(d.path, "key") }

// key is empty for units that were made without one.
func (d Dir) key() (string, error) {
	text, err := os.ReadFile(d.keyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Read returns the record.
func (d Dir) Read() (unit.Record, error) { return d.read(lockWait) }

// read needs no lock where nobody can write.
func (d Dir) read(wait time.Duration) (unit.Record, error) {
	unlock, err := d.lock(wait)
	switch {
	case err == nil:
		defer unlock()
	case !errors.Is(err, unix.EROFS):
		return unit.Record{}, err
	}
	text, err := os.ReadFile(filepath.Join(d.path, StatusName))
	if err != nil {
		return unit.Record{}, err
	}
	return unit.Decode(text)
}

// Save replaces the record: after a crash at any instant the old or the new one
// is there, whole.
func (d Dir) Save(r unit.Record) error {
	text, err := r.Encode()
	if err != nil {
		return err
	}
	unlock, err := d.lock(lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	err = Replace(filepath.Join(d.path, StatusName), text, true)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return d.overwrite(text, err)
	}
	return err
}

// begin writes the first record. Nobody knows of the unit yet: after a crash half a
// record is as good as none, and the disk is waited for once and not twice.
func (d Dir) begin(r unit.Record) error {
	text, err := r.Encode()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(d.path, StatusName), text, true)
}

// overwrite writes the record into the blocks that the old one has already: the
// only way to record an end on a disk that is full.
func (d Dir) overwrite(text []byte, full error) error {
	f, err := os.OpenFile(filepath.Join(d.path, StatusName), os.O_WRONLY, 0)
	if err != nil {
		return full
	}
	defer f.Close()
	if _, err := f.WriteAt(text, 0); err != nil {
		return full
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return full
	}
	return f.Sync()
}

// Replace writes a file under a temporary name and renames it. With sync it
// survives a power failure, under its name.
func Replace(path string, text []byte, sync bool) error {
	tmp := path + ".tmp"
	err := writeFile(tmp, text, sync)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(tmp))
	}
	if sync {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

// MakeDir makes what is missing of the path to a folder, to stay.
func MakeDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	// Two above, because nobody knows which were there before. What we made can be
	// read; others may keep theirs from us.
	parent := filepath.Dir(path)
	for _, above := range []string{parent, filepath.Dir(parent)} {
		if err := syncDir(above); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// syncDir makes sure that the names in a directory survive a power failure.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile stamps the file with the time to the nanosecond: the kernel's own stamp
// is as coarse as its tick, and units that were ready within one would lose their
// order.
func writeFile(path string, text []byte, sync bool) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = os.Chtimes(path, time.Time{}, time.Now())
	}
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lock takes status.lock the way the existing tools do: exclusively, by flock.
func (d Dir) lock(wait time.Duration) (unlock func(), err error) {
	fd, err := unix.Open(filepath.Join(d.path, "status.lock"), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(d.path, "status.lock"), Err: err}
	}
	deadline := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { unix.Close(fd) }, nil
		}
		if err != unix.EINTR && err != unix.EWOULDBLOCK || time.Now().After(deadline) {
			unix.Close(fd)
			return nil, fmt.Errorf("lock %s: %w", d.path, err)
		}
		time.Sleep(pause)
	}
}

// OutputSize is the length of the output, 0 while there is none.
func (d Dir) OutputSize() int64 {
	info, err := os.Stat(d.Stdout())
	if err != nil {
		return 0
	}
	return info.Size()
}

// ErrorSize is the length of standard error.
func (d Dir) ErrorSize() int64 {
	info, err := os.Stat(d.Stderr())
	if err != nil {
		return 0
	}
	return info.Size()
}

// SyncInput makes sure that the payload survives a power failure.
func (d Dir) SyncInput() error { return syncFile(d.Stdin()) }

// SyncOutput makes sure that the output survives a power failure.
func (d Dir) SyncOutput() error {
	if err := syncFile(d.Stdout()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MarkCancelled writes down that cancel was asked for.
func (d Dir) MarkCancelled() error { return os.WriteFile(d.cancelMark(), nil, 0o600) }

// Cancelled reports whether cancel was asked for.
func (d Dir) Cancelled() bool {
	_, err := os.Lstat(d.cancelMark())
	return err == nil
}

// MarkForced writes down, to stay, that the unit is to be released whatever the other
// node says.
func (d Dir) MarkForced() error {
	if err := writeFile(d.forceMark(), nil, true); err != nil {
		return err
	}
	return syncDir(d.path)
}

// Forced reports whether that was asked for.
func (d Dir) Forced() bool {
	_, err := os.Lstat(d.forceMark())
	return err == nil
}

// Written is when the record was written.
func (d Dir) Written() (time.Time, error) {
	info, err := os.Stat(filepath.Join(d.path, StatusName))
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Ran reports whether a runner ever had the unit.
func (d Dir) Ran() bool {
	info, err := os.Lstat(d.RunnerFile())
	return err == nil && info.Size() > 0
}

// Free is how many bytes the file system of the store has for us.
func (s *Store) Free() (int64, error) {
	var fs unix.Statfs_t
	for path := s.root; ; path = filepath.Dir(path) {
		err := unix.Statfs(path, &fs)
		if errors.Is(err, unix.ENOENT) && path != filepath.Dir(path) {
			continue // it is made with the first unit
		}
		return int64(fs.Bavail) * fs.Bsize, err
	}
}

// partPrefix begins the names of directories that are no units yet, or no more.
const partPrefix = ".part-"

func (d Dir) part() Dir {
	parent, id := filepath.Split(d.path)
	return Dir{path: filepath.Join(parent, partPrefix+id)}
}

// Remove deletes the directory. That it is gone already is no error. After a crash it
// is no unit any more.
func (d Dir) Remove() error {
	part := d.part().path
	if err := os.Rename(d.path, part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(part)
}
