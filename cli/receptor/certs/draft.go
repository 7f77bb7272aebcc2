package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// draft is a file that was written, but not yet where it belongs.
type draft struct {
	of   output
	file string // holds the text; empty: there is none, the text is written in place
	path string // where it belongs, behind all links
}

// draft writes the file beside its place, for its owner alone. One that is there
// hands down its owner and mode, as somebody set them. What is no file, or can't be
// exchanged by us, is written to in place, later.
func (o output) draft() (*draft, error) {
	inPlace := &draft{of: o}
	old, err := os.Stat(o.path)
	switch {
	case err == nil && !old.Mode().IsRegular():
		return inPlace, nil
	case err != nil:
		if _, err := os.Lstat(o.path); err == nil { // a link to a file that is to come
			return inPlace, nil
		}
	}
	d := &draft{of: o, path: o.path}
	if old != nil {
		if d.path, err = filepath.EvalSymlinks(o.path); err != nil {
			return nil, err
		}
	}
	err = d.write(old)
	if old != nil && (errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)) {
		return inPlace, nil // the folder is not ours, the file may be; or files have no owners there
	}
	if err != nil {
		return nil, named(o.path, err)
	}
	return d, nil
}

// write leaves nothing behind when it fails.
func (d *draft) write(old fs.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(d.path), "."+filepath.Base(d.path)+".")
	if err != nil {
		return err
	}
	d.file = f.Name()
	_, err = f.Write(d.of.text)
	if err == nil {
		err = f.Sync()
	}
	if err == nil && old != nil {
		err = inherit(f, old)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		d.drop()
	}
	return err
}

// inherit gives f the owner and the mode of another file.
func inherit(f *os.File, from fs.FileInfo) error {
	if owner, ok := from.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(from.Mode().Perm())
}

// publish puts the file where it belongs.
func (d *draft) publish() error {
	if d.file == "" {
		return os.WriteFile(d.of.path, d.of.text, 0o600)
	}
	err := os.Rename(d.file, d.path)
	if errors.Is(err, syscall.EBUSY) { // mounted there, as containers have single files
		return os.WriteFile(d.path, d.of.text, 0o600)
	}
	if err != nil {
		return named(d.of.path, err)
	}
	d.file = ""
	return nil
}

// drop removes what was not published.
func (d *draft) drop() {
	if d.file != "" {
		_ = os.Remove(d.file) // it has a name that nobody asks for
	}
}

// named has an error tell the file that was meant, not the temporary one.
func named(path string, err error) error {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		return &fs.PathError{Op: one.Op, Path: path, Err: one.Err}
	case errors.As(err, &two):
		return &fs.PathError{Op: two.Op, Path: path, Err: two.Err}
	}
	return err
}
