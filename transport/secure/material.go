package secure

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"receptor/transport/secure/cert"
)

// lookAfter is how long files are not looked at again.
const lookAfter = time.Second

// files are what a configuration is read from.
type files struct {
	cert, key string // both empty: no certificate
	cas       string // empty: those of the system
	casName   string // for errors: client CAs or root CAs

	section string // the name of the configuration, for errors
	node    string // has to be in the certificate; empty: not compared
}

// loaded is what the files said when they were read; it never changes.
type loaded struct {
	own    tls.Certificate
	hasOwn bool
	until  time.Time      // when the first certificate of the own chain expires
	pool   *x509.CertPool // nil: those of the system
	empty  bool           // the CA file holds no certificate
}

// load reads all files anew.
func (f files) load() (*loaded, error) {
	l := &loaded{}
	if f.cert != "" || f.key != "" || f.casName == clientCAs { // a server can't do without
		if err := f.loadOwn(l); err != nil {
			return nil, err
		}
	}
	if f.cas == "" {
		return l, nil
	}
	text, err := os.ReadFile(f.cas)
	if err != nil {
		return nil, fmt.Errorf("error reading %s file: %w", f.casName, err)
	}
	l.pool = x509.NewCertPool()
	roots := cert.Certificates(text)
	for _, c := range roots {
		l.pool.AddCert(c)
	}
	l.empty = len(roots) == 0
	return l, nil
}

// loadOwn reads certificate and key, and checks that they are this node's.
func (f files) loadOwn(l *loaded) error {
	certText, err := os.ReadFile(f.cert)
	if err != nil {
		return err
	}
	keyText, err := os.ReadFile(f.key)
	if err != nil {
		return err
	}
	if l.own, err = tls.X509KeyPair(certText, keyText); err != nil {
		return err
	}
	l.hasOwn, l.until = true, endOf(l.own)
	if f.node == "" {
		return nil
	}
	first, err := cert.FirstCertificate(certText)
	if err != nil {
		return err
	}
	ids, err := cert.NodeIDs(first)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, f.node) {
		return fmt.Errorf("nodeID=%s not found in certificate name(s); names found=%v; cfg section=%s; server cert=%s",
			f.node, ids, f.section, f.cert)
	}
	return nil
}

// endOf is when the first certificate of a chain expires.
func endOf(chain tls.Certificate) time.Time {
	end := chain.Leaf.NotAfter
	for _, der := range chain.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil && c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

// state is what the files of a configuration looked like; a nil entry is a file
// that is not there.
type state [3]fs.FileInfo

// stat comes before the files are read: what changes meanwhile is read again.
func (f files) stat() state {
	var s state
	for i, path := range []string{f.cert, f.key, f.cas} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			s[i] = info
		}
	}
	return s
}

func (s state) same(other state) bool {
	for i, a := range s {
		b := other[i]
		if (a == nil) != (b == nil) {
			return false
		}
		if a != nil && !(os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()) {
			return false
		}
	}
	return true
}

// material is the files of a configuration, read again when they change.
type material struct {
	files files
	label string // tls-server s
	log   zerolog.Logger
	now   func() time.Time

	inForce atomic.Pointer[loaded]

	mu     sync.Mutex // guards what follows
	seen   state
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
	if seen.same(m.seen) {
		return
	}
	m.seen = seen
	l, err := m.files.load()
	if err != nil {
		m.log.Error().Err(err).Str("tls", m.label).Msg("changed certificate files can't be used, the old ones stay")
		return
	}
	m.log.Info().Str("tls", m.label).Msg("certificate files read again")
	m.take(l)
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
