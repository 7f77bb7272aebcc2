package secure

import (
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// lookAfter is how long files are not looked at again.
const lookAfter = time.Second

// material is the files of a configuration, read again when they change.
type material struct {
	files files
	label string // tls-server s
	log   zerolog.Logger
	now   func() time.Time

	inForce atomic.Pointer[loaded]

	mu     sync.Mutex // guards what follows
	seen   state
	failed string // why what was seen can't be used; empty: it is in force
	looked time.Time
	warned time.Time // when the log last said that the certificate expires
}

func newMaterial(f files, label string, env Config) (*material, error) {
	m := &material{files: f, label: label, log: env.Log, now: env.Now}
	m.seen, m.looked = f.stat(), m.now()
	l, err := f.load()
	if err != nil {
		return nil, err
	}
	m.take(l)
	return m, nil
}

// current is what is in force. One caller looks at the files, others don't wait.
func (m *material) current() *loaded {
	if m.mu.TryLock() {
		defer m.mu.Unlock()
		m.look()
	}
	return m.inForce.Load()
}

// look reads the files again if they changed; mu is held.
func (m *material) look() {
	now := m.now()
	if now.Sub(m.looked) < lookAfter && !now.Before(m.looked) {
		return
	}
	m.looked = now
	seen := m.files.stat()
	known := seen.same(m.seen)
	if known && m.failed == "" {
		return
	}
	m.seen = seen
	l, err := m.files.load()
	if err == nil {
		err = l.replaces(m.inForce.Load(), m.files)
	}
	if err != nil {
		m.fail(err, known)
		return
	}
	m.failed = ""
	m.log.Info().Str("tls", m.label).Msg("certificate files read again")
	m.take(l)
}

// fail remembers that what was seen is no good, and says so once. It is tried again:
// not all that keeps files from being read shows in them.
func (m *material) fail(err error, known bool) {
	if !known || m.failed != err.Error() {
		m.log.Error().Err(err).Str("tls", m.label).Msg("changed certificate files can't be used, the old ones stay")
	}
	m.failed = err.Error()
}

// take puts l in force; mu is held, or nobody else knows m yet.
func (m *material) take(l *loaded) {
	m.inForce.Store(l)
	if l.empty {
		m.log.Warn().Str("tls", m.label).Str("file", m.files.cas).Msg("no certificate in the file: no peer will be believed")
	}
	m.warned = time.Time{}
	m.warnOfExpiry()
}

// certificate is what the node shows.
func (m *material) certificate() *tls.Certificate {
	own := m.current().own
	return &own
}
