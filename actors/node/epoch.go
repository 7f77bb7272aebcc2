package node

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// epochFile keeps the last start epoch, beside the units.
const epochFile = "epoch"

// nextEpoch is the epoch of this start: later than the last one, whatever the
// clock says, because everybody ignores a node that comes back with an earlier
// one. Seconds of Unix time stand in the upper 40 bits. Should the file be out of
// reach, the epoch is that of the clock and the error says why.
func nextEpoch(dir string, now time.Time) (uint64, error) {
	epoch := uint64(now.Unix())<<24 | rand.Uint64N(1<<24)
	path := filepath.Join(dir, epochFile)
	text, err := os.ReadFile(path)
	if err == nil {
		last, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && last >= epoch {
			epoch = last + 1
		}
	}
	if err := writeEpoch(dir, path, epoch); err != nil {
		return epoch, fmt.Errorf("keep the start epoch: %w", err)
	}
	return epoch, nil
}

func writeEpoch(dir, path string, epoch uint64) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+epochFile)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.WriteString(strconv.FormatUint(epoch, 10) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
