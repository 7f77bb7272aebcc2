package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"receptor/actors/work/store"
)

const (
	// VersionFlag asks the small program for its build.
	VersionFlag = "--version"
	// protocol counts the changes of what a daemon tells its runners.
	protocol = 1
	// checkLimit is how long the small program may take to say its build.
	checkLimit = 5 * time.Second
)

// Build is what the small program says of itself. A daemon uses it only if it
// would say the same.
func Build(version string) string {
	return fmt.Sprintf("receptor-runner %s protocol %d", version, protocol)
}

// ErrOther is a small program of another build.
var ErrOther = errors.New("it is of another build")

// Program is what runners are started with: a small program, which starts several
// times faster, as soon as it has shown that it is of our build; and the daemon's
// own program otherwise.
type Program struct {
	own    []string
	file   *os.File    // the small program; nil for none
	as     fs.FileInfo // how it was when it was opened
	fits   atomic.Bool
	report func(error) // says once why the small program is not used
	once   sync.Once
	cancel context.CancelFunc
	check  sync.WaitGroup
}

// Find looks for the small program. own is argv of the daemon's own one; report may
// be called from another goroutine, once. It is no error that there is no small
// program. Close must follow.
func Find(path, version string, own []string, report func(error)) *Program {
	p := &Program{own: own, report: report, cancel: func() {}}
	if path == "" {
		return p
	}
	err := p.open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		p.give(err)
	default:
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		p.cancel = cancel
		p.check.Go(func() { p.ask(ctx, Build(version)) })
	}
	return p
}

// open keeps the file, whatever will have its name later.
func (p *Program) open(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	if p.as, err = file.Stat(); err != nil {
		return errors.Join(err, file.Close())
	}
	p.file = file
	return nil
}

// ask lets the small program say its build.
func (p *Program) ask(ctx context.Context, want string) {
	out, err := exec.CommandContext(ctx, p.path(), VersionFlag).Output()
	if got := strings.TrimSpace(string(out)); err == nil && got != want {
		err = fmt.Errorf("%w: it is %q, and not %q", ErrOther, got, want)
	}
	switch {
	case err == nil:
		p.fits.Store(true)
	case !errors.Is(ctx.Err(), context.Canceled):
		p.give(err)
	}
}

// give gives the small program up.
func (p *Program) give(err error) {
	p.fits.Store(false)
	p.once.Do(func() { p.report(err) })
}

// path reaches the file that was opened, from a child as well: it is looked up
// before the descriptors of the daemon are closed, and the runner gets none of them.
func (p *Program) path() string { return fmt.Sprintf("/proc/self/fd/%d", p.file.Fd()) }

// Small reports whether the next runner will be the small program. One that was
// written over since is not: nobody knows what it is now.
func (p *Program) Small() bool {
	if !p.fits.Load() {
		return false
	}
	now, err := p.file.Stat()
	if err == nil && (now.Size() != p.as.Size() || !now.ModTime().Equal(p.as.ModTime())) {
		err = errors.New("it was written over while this node runs: start the node again to use it")
	}
	if err != nil {
		p.give(err)
	}
	return err == nil
}

// Start starts a runner for the unit.
func (p *Program) Start(d store.Dir, job Job) (*Child, error) {
	if !p.Small() {
		return Start(p.own, d, job)
	}
	child, err := Start([]string{p.path()}, d, job)
	if !unusable(err) {
		return child, err
	}
	p.give(err)
	return Start(p.own, d, job)
}

// unusable tells a program that can't be executed from a machine that has no room
// for another process.
func unusable(err error) bool {
	for _, e := range []syscall.Errno{syscall.ETXTBSY, syscall.EACCES, syscall.EPERM, syscall.ENOENT, syscall.ENOEXEC} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Close ends the check, and lets go of the file. Runners go on.
func (p *Program) Close() {
	p.cancel()
	p.check.Wait()
	p.fits.Store(false)
	if p.file != nil {
		p.file.Close()
	}
}
