package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"receptor/transport/secure/cert"
)

// output is a file to write.
type output struct {
	path string
	text []byte
	key  bool // it is a private key
}

// writeAll writes all files or, if one can't be written or would take a key away,
// none: what is new takes its place only when all of it is on the disk.
func writeAll(force bool, all ...output) error {
	if len(all) == 2 && (filepath.Clean(all[0].path) == filepath.Clean(all[1].path) || all[0].is(all[1].path)) {
		return fmt.Errorf("%s can't be two files at once", all[0].path)
	}
	for _, o := range all {
		if err := o.allowed(force); err != nil {
			return err
		}
	}
	var drafts []*draft
	defer func() {
		for _, d := range drafts {
			d.drop()
		}
	}()
	for _, o := range all {
		d, err := o.draft()
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	for _, d := range drafts {
		if err := d.publish(); err != nil {
			return err
		}
	}
	return nil
}

// allowed keeps private keys: neither a new key nor anything else takes the place
// of one unless forced to. A new key also does not take the place of other files,
// but for empty ones.
func (o output) allowed(force bool) error {
	info, err := os.Stat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case force || !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	case o.key:
		return o.refused("it exists")
	}
	text, err := os.ReadFile(o.path)
	if err != nil {
		return err
	}
	if cert.HoldsKey(text) {
		return o.refused("it holds a private key")
	}
	return nil
}

// is reports that it would be written over a file.
func (o output) is(path string) bool {
	a, err := os.Stat(o.path)
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

func (o output) refused(why string) error {
	return fmt.Errorf("not writing over %s: %s; give force=true to do it all the same", o.path, why)
}
