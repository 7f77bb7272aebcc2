package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockFile is locked for as long as a node has its folder. It ends with the process,
// however that ends; the file stays.
const lockFile = "node.lock"

// InUseError is a folder that another node has.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another receptor has the data folder %s: stop it, or give this one another node ID or datadir", e.Dir)
}

// lock takes the folder of a node, or says at once that another one has it: two of
// them would start, answer and delete each other's units.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDONLY, 0o600)
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
