package secure

import (
	"cmp"
	"slices"
	"time"
)

const (
	// soon is how long before its end a certificate is worth a warning.
	soon = 30 * 24 * time.Hour
	// warnAfter is how long the log is left alone after a warning.
	warnAfter = 24 * time.Hour
)

// Certificate is one the node shows to others.
type Certificate struct {
	Config  string // tls-server s, tls-client c
	File    string
	Subject string
	Expires time.Time // when the first of its chain does
	Soon    bool      // within 30 days, or already
}

// describe tells of the own certificate; ok is false without one.
func (m *material) describe(l *loaded) (c Certificate, ok bool) {
	if !l.hasOwn {
		return c, false
	}
	c = Certificate{Config: m.label, File: m.files.cert, Subject: l.own.Leaf.Subject.String(), Expires: l.until}
	c.Soon = c.Expires.Sub(m.now()) <= soon
	return c, true
}

// warnOfExpiry logs a certificate that expires soon, once a day, and when it has; mu
// is held.
func (m *material) warnOfExpiry() {
	now := m.now()
	c, ok := m.describe(m.inForce.Load())
	if !ok || !c.Soon {
		return
	}
	justEnded := !c.Expires.After(now) && m.warned.Before(c.Expires)
	if now.Sub(m.warned) < warnAfter && !justEnded {
		return
	}
	m.warned = now
	text := "certificate expires soon"
	if !c.Expires.After(now) {
		text = "certificate has expired"
	}
	m.log.Warn().Str("tls", m.label).Str("file", c.File).Time("expires", c.Expires).Msg(text)
}

// visit looks at the files now, and says what is to be said of their age.
func (m *material) visit() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.look()
	m.warnOfExpiry()
}

// Certificates lists the certificates that the node shows, by configuration.
func (s *Store) Certificates() []Certificate {
	var list []Certificate
	for _, m := range s.all() {
		if c, ok := m.describe(m.current()); ok {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Certificate) int { return cmp.Compare(a.Config, b.Config) })
	return list
}

// Check reads files again that changed, and warns of certificates that expire
// within 30 days: once when they are read, then once a day. Whoever keeps the
// time calls it every minute or so; more often does no harm.
func (s *Store) Check() {
	for _, m := range s.all() {
		m.visit()
	}
}
