package secure

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"receptor/transport/secure/cert"
)

// maxFile is more than all authorities of a system need. Who names a device by
// mistake gets to know it.
const maxFile = 16 << 20

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
	torn   string         // a file that ends amid an item, as half-written ones do
}

// replaces says why files that were changed are not to be relied upon, though a node
// could start with them: they are half-written, or were emptied to be written.
func (l *loaded) replaces(old *loaded, f files) error {
	switch {
	case l.torn != "":
		return fmt.Errorf("%s ends amid a certificate: is it half-written?", l.torn)
	case l.empty && !old.empty:
		return fmt.Errorf("no certificate in %s file %s", f.casName, f.cas)
	}
	return nil
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
	text, err := read(f.cas)
	if err != nil {
		return nil, fmt.Errorf("error reading %s file: %w", f.casName, err)
	}
	l.pool = x509.NewCertPool()
	roots := cert.Certificates(text)
	for _, c := range roots {
		l.pool.AddCert(c)
	}
	l.empty = len(roots) == 0
	l.note(f.cas, text)
	return l, nil
}

// loadOwn reads certificate and key, and checks that they are this node's.
func (f files) loadOwn(l *loaded) error {
	certText, err := read(f.cert)
	if err != nil {
		return err
	}
	keyText, err := read(f.key)
	if err != nil {
		return err
	}
	if l.own, err = tls.X509KeyPair(certText, keyText); err != nil {
		if bytes.Contains(keyText, []byte("ENCRYPTED")) {
			return fmt.Errorf("%w: %s is encrypted, and nobody is there to ask for the passphrase (openssl pkey takes it off)", err, f.key)
		}
		return err
	}
	l.hasOwn, l.until = true, endOf(l.own)
	l.note(f.cert, certText)
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

// note remembers a file whose end is missing.
func (l *loaded) note(path string, text []byte) {
	if last := bytes.LastIndex(text, []byte("-----BEGIN ")); last >= 0 && !bytes.Contains(text[last:], []byte("-----END ")) {
		l.torn = path
	}
}

// read reads a file that is meant to be small.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = &fs.PathError{Op: "read", Path: path, Err: errTooLong}
	}
	return text, err
}

var errTooLong = errors.New("more than 16 MiB: is it the right file?")

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
