package node

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"receptor/actors/work/store"
)

// InUseError is a folder that another node has.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another receptor has the data folder %s: stop it, or give this one another node ID or datadir", e.Dir)
}

// lock takes the folder of a node until the file is closed, or the process ends,
// however that happens. It says at once if another node has the folder: two of them
// would start, answer and delete each other's units. The folder itself is locked, for
// other implementations take what lies in there for units.
func lock(dir string) (*os.File, error) {
	if err := store.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = &InUseError{Dir: dir}
	default:
		err = fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil, errors.Join(err, f.Close())
}

// unlock gives the folder up; there is none where it could not be locked.
func unlock(f *os.File) {
	if f != nil {
		_ = f.Close() // nothing was written
	}
}
