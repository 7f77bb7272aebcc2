package node

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"receptor/actors/work/store"
)

// Names of what a node keeps from one start to the next.
const (
	epochFile = "epoch"     // the last start epoch, decimal
	resetFile = "reset.key" // 32 bytes, hexadecimal
	agesFile  = "ages"      // how old finished units are, kept by the work family
)

// reservedID is the name that no node has, here or in other implementations. Any other
// folder of a data folder may be that of a node.
const reservedID = "localhost"

// keeper is where that stands: in DATADIR/localhost/NODEID, because other
// implementations take every entry of DATADIR/NODEID for a unit, and complain of what
// is none.
type keeper struct {
	dir   string
	units string // DATADIR/NODEID, where it stood once, and stands where dir can't be had
	log   zerolog.Logger
}

func newKeeper(cfg Config, log zerolog.Logger) keeper {
	return keeper{
		dir:   filepath.Join(cfg.DataDir, reservedID, cfg.ID),
		units: filepath.Join(cfg.DataDir, cfg.ID),
		log:   log,
	}
}

// nextEpoch is the epoch of this start: later than the last one, whatever the
// clock says, because everybody ignores a node that comes back with an earlier
// one. Seconds of Unix time stand in the upper 40 bits, the fraction below. Should the
// last one be out of reach, the epoch is that of the clock and the error says why.
func (k keeper) nextEpoch(now time.Time) (uint64, error) {
	epoch := uint64(now.Unix())<<24 | uint64(now.Nanosecond())<<24/1e9
	kept := k.find(epochFile)
	for _, text := range kept.texts() {
		last, err := strconv.ParseUint(text, 10, 64)
		if err == nil && last >= epoch {
			epoch = last + 1
		}
	}
	err := k.replace(kept, strconv.FormatUint(epoch, 10))
	if err == nil {
		err = errors.Join(kept.here.err, kept.amidst.err)
	}
	if err != nil {
		err = fmt.Errorf("keep the start epoch: %w", err)
	}
	return epoch, err
}

// resetKey is the key by which a node, started anew, tells its peers that it has
// forgotten their sessions. It is made at the first start. Without a place to keep
// it there is none, and the peers find out by silence.
func (k keeper) resetKey() *[32]byte {
	kept := k.find(resetFile)
	var key [32]byte
	for _, text := range kept.texts() {
		found, err := hex.DecodeString(text)
		if err != nil || len(found) != len(key) {
			continue
		}
		if kept.amidst.there {
			_ = k.replace(kept, text) // it is kept where it is, if nothing else
		}
		return (*[32]byte)(found)
	}
	rand.Read(key[:]) // never fails
	if err := k.replace(kept, hex.EncodeToString(key[:])); err != nil {
		k.log.Warn().Err(err).Msg("peers will notice a restart of this node only by its silence")
		return nil
	}
	return &key
}

// kept is what was found under a name.
type kept struct {
	name         string
	here, amidst content // in the keeper's own folder, and amidst the units
}

// content is that of a file, or why it is not known.
type content struct {
	text  string
	there bool
	err   error
}

func (k kept) texts() []string { return []string{k.here.text, k.amidst.text} }

func (k keeper) find(name string) kept {
	return kept{name: name, here: read(k.dir, name), amidst: read(k.units, name)}
}

func read(dir, name string) content {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return content{}
	}
	return content{text: strings.TrimSpace(string(text)), there: err == nil, err: err}
}

// replace keeps a text in the place of what was found. Ended at any instant it leaves
// the old one or the new: what stands amidst the units goes when the other file is
// safe. What can't be read may be worth more than what we have, and is not touched.
func (k keeper) replace(old kept, text string) error {
	err := old.here.err
	if err == nil {
		err = writeDown(k.dir, old.name, text)
	}
	switch {
	case err == nil && old.amidst.there:
		err = os.Remove(filepath.Join(k.units, old.name))
	case err != nil && old.amidst.err != nil:
		return errors.Join(err, old.amidst.err)
	case err != nil:
		if other := writeDown(k.units, old.name, text); other != nil {
			return errors.Join(err, other)
		}
	}
	if err != nil {
		k.log.Warn().Err(err).Msg("what the node keeps stands amidst its units of work: other implementations will take it for one")
	}
	return nil
}

// writeDown makes a file that survives a power failure.
func writeDown(dir, name, text string) error {
	err := store.MakeDir(dir)
	if err == nil {
		err = store.Replace(filepath.Join(dir, name), []byte(text+"\n"), true)
	}
	return err
}
