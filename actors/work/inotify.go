package work

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// What happens in a directory and is worth waking up for: a file grew, or another
// took its name. Each unit makes several times as many events of other kinds.
const worthKnowing = unix.IN_MODIFY | unix.IN_MOVED_TO | unix.IN_ONLYDIR

// fileEvents are the kernel's news about directories.
type fileEvents struct {
	file *os.File
	conn interface {
		Control(f func(fd uintptr)) error
	}
}

// fileEvent is a file that changed; without a watch, events were lost.
type fileEvent struct {
	watch int32
	name  string
}

func newFileEvents() (*fileEvents, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	file := os.NewFile(uintptr(fd), "inotify")
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &fileEvents{file: file, conn: conn}, nil
}

// add watches a directory. A number is not given twice.
func (f *fileEvents) add(path string) (watch int32, err error) {
	failed := f.conn.Control(func(fd uintptr) {
		var wd int
		wd, err = unix.InotifyAddWatch(int(fd), path, worthKnowing)
		watch = int32(wd) //nolint:gosec // the kernel's type
	})
	if err = errors.Join(failed, err); err != nil {
		return 0, fmt.Errorf("watch %s: %w", path, err)
	}
	return watch, nil
}

// remove forgets a directory; one that is gone is forgotten already.
func (f *fileEvents) remove(watch int32) error {
	var err error
	failed := f.conn.Control(func(fd uintptr) {
		_, err = unix.InotifyRmWatch(int(fd), uint32(watch)) //nolint:gosec // a number it gave us
	})
	if errors.Is(err, unix.EINVAL) {
		err = nil
	}
	return errors.Join(failed, err)
}

// close wakes who reads.
func (f *fileEvents) close() { f.file.Close() }

// each calls back for events until close.
func (f *fileEvents) each(do func(fileEvent)) {
	buf := make([]byte, 16<<10)
	for {
		n, err := f.file.Read(buf)
		if err != nil {
			return
		}
		for rest := buf[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			var e fileEvent
			e, rest = nextEvent(rest)
			do(e)
		}
	}
}

// nextEvent reads WATCH MASK COOKIE LENGTH and a name that is filled up with zeros.
func nextEvent(b []byte) (fileEvent, []byte) {
	size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
	name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:size], []byte{0})
	watch := int32(binary.NativeEndian.Uint32(b)) //nolint:gosec // it is signed
	if binary.NativeEndian.Uint32(b[4:])&unix.IN_Q_OVERFLOW != 0 {
		watch = noWatch
	}
	return fileEvent{watch, string(name)}, b[size:]
}

// noWatch is no number of a watch: the kernel had no room for events.
const noWatch = -1
