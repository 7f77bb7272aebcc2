package node

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// What a node keeps from one start to the next stands beside its units.
const (
	epochFile = "epoch"     // the last start epoch, decimal
	resetFile = "reset.key" // 32 bytes, hexadecimal
)

// nextEpoch is the epoch of this start: later than the last one, whatever the
// clock says, because everybody ignores a node that comes back with an earlier
// one. Seconds of Unix time stand in the upper 40 bits, the fraction below. Should the file be out of
// reach, the epoch is that of the clock and the error says why.
func nextEpoch(dir string, now time.Time) (uint64, error) {
	epoch := uint64(now.Unix())<<24 | uint64(now.Nanosecond())<<24/1e9
	path := filepath.Join(dir, epochFile)
	text, err := os.ReadFile(path)
	if err == nil {
		last, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && last >= epoch {
			epoch = last + 1
		}
	}
	if err := keep(dir, epochFile, strconv.FormatUint(epoch, 10)+"\n"); err != nil {
		return epoch, fmt.Errorf("keep the start epoch: %w", err)
	}
	return epoch, nil
}

// resetKey is the key by which a node, started anew, tells its peers that it has
// forgotten their sessions. It is made at the first start. Without a place to keep
// it there is none, and the peers find out by silence.
func resetKey(cfg Config, log zerolog.Logger) *[32]byte {
	dir := filepath.Join(cfg.DataDir, cfg.ID)
	var key [32]byte
	text, err := os.ReadFile(filepath.Join(dir, resetFile))
	if err == nil {
		if kept, err := hex.DecodeString(strings.TrimSpace(string(text))); err == nil && len(kept) == len(key) {
			return (*[32]byte)(kept)
		}
	}
	rand.Read(key[:]) // never fails
	if err := keep(dir, resetFile, hex.EncodeToString(key[:])+"\n"); err != nil {
		log.Warn().Err(err).Msg("peers will notice a restart of this node only by its silence")
		return nil
	}
	return &key
}

// keep replaces a file so that a crash leaves the old content or the new.
func keep(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+name)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	return err
}
