package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"receptor/actors/work/age"
	"receptor/actors/work/process"
	"receptor/actors/work/store"
)

// agesKept is how much of the time that a machine was up is forgotten at most when it
// stops dead.
const agesKept = 10 * time.Minute

// ages knows how long ago units ended that were found on disk. What it remembers is in
// a file, if there is a place for one.
type ages struct {
	file  string
	log   zerolog.Logger
	clock func() age.Reading
	book  age.Book
	saved time.Time
	mute  bool // that the file can't be written was said
}

// openAges goes on with what the file has.
func openAges(file string, clock func() age.Reading, log zerolog.Logger) *ages {
	if clock == nil {
		clock = clocks
	}
	a := &ages{file: file, log: log, clock: clock}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &a.book)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn().Err(err).Msg("how old finished units are is not known any more, their retention begins anew")
		a.book = age.Book{}
	}
	a.look()
	return a
}

// clocks reads those of this machine.
func clocks() age.Reading {
	r := age.Reading{Wall: time.Now()}
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil { // fails where there is none
		r.Up = time.Duration(up.Nano())
	}
	if boot, err := process.BootID(); err == nil {
		r.Boot = boot
	}
	return r
}

// look reads the clocks, so that nobody sets them unseen.
func (a *ages) look() {
	var set bool
	if a.book, set = a.book.Read(a.clock()); set || time.Since(a.saved) >= agesKept {
		a.save()
	}
}

// endedAt is when a unit ended whose last record was written then, for time.Since:
// from now on its age grows with time alone.
func (a *ages) endedAt(written int64) time.Time {
	return time.Now().Add(-a.book.Age(time.Unix(0, written)))
}

// close also keeps the time since the last look.
func (a *ages) close() {
	a.look()
	a.save()
}

func (a *ages) save() {
	a.saved = time.Now()
	if a.file == "" {
		return
	}
	text, err := json.Marshal(a.book)
	if err == nil {
		err = store.MakeDir(filepath.Dir(a.file))
	}
	if err == nil {
		err = store.Replace(a.file, text, true)
	}
	if err != nil && !a.mute {
		a.log.Warn().Err(fmt.Errorf("keep how old units are: %w", err)).Msg("after a restart the retention of finished units begins anew")
	}
	a.mute = err != nil
}
