package pod

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

var (
	// ErrMismatch is a log that does not continue the output: lines are missing, or
	// they are others.
	ErrMismatch = errors.New("the log of the pod does not continue the output")
	// ErrNoStamp is a line without a time stamp: the cluster says something instead of
	// the pod.
	ErrNoStamp = errors.New("the log of the pod has a line without time stamp")
)

// Position is where reading of a log goes on after an interruption.
type Position struct {
	First  string // time stamp of the first line, as it was sent
	Last   int64  // the latest time stamp, in nanoseconds since 1970
	Since  int64  // ask for lines from this second on; 0: from the beginning
	Offset int64  // where in the output the first line of that second begins
}

// Output is where the log goes.
type Output interface {
	io.ReaderAt
	Append(p []byte) error
	Size() int64
}

// Joiner makes one output of a log that is read in several streams. A stream begins
// at a whole second, which is as exact as a cluster can be asked; what the output has
// already is compared, byte by byte, and only what follows is appended.
//
//	output   ....|=======|            streams with time stamps ask since Position
//	stream       |=======|+++++       = compared  + appended
//
// Plain streams have no time stamps and begin at the beginning.
type Joiner struct {
	Pos    Position
	out    Output
	plain  bool
	at     int64 // in the output, of the next byte of the stream
	maxSec int64 // the latest second seen
	inLine bool  // the time stamp of this line is read
	head   []byte
	lost   bool  // the log is known not to continue the output: only later lines are taken
	skip   bool  // this line is an earlier one
	stamp  int64 // of this line
	began  int64 // the second that this stream began with
	buf    []byte
}

// NewJoiner goes on at pos.
func NewJoiner(out Output, pos Position, plain bool) *Joiner {
	return &Joiner{Pos: pos, out: out, plain: plain, maxSec: pos.Since, buf: make([]byte, 32<<10)}
}

// Begin is called before each stream, which begins at Pos.
func (j *Joiner) Begin() {
	if j.plain {
		j.Pos = Position{}
	}
	j.began = j.Pos.Since
	j.at, j.inLine, j.head, j.skip = j.Pos.Offset, false, j.head[:0], false
	if j.lost {
		j.at = j.out.Size()
	}
}

// Rewind has the next stream begin at the beginning; it reports whether that is
// something new. Only the whole log proves that the output is whole: lines with a
// time stamp before Since may have come later, from a clock that was set back.
func (j *Joiner) Rewind() bool {
	if j.lost {
		return false
	}
	again := j.began != 0
	j.Pos.Since, j.Pos.Offset, j.began = 0, 0, 0
	return again
}

// Lose gives up to prove that the log continues the output: of what follows, lines
// later than all before are taken.
func (j *Joiner) Lose() {
	j.lost = true
	j.Pos.Since, j.Pos.Offset = j.Pos.Last/int64(time.Second), j.out.Size()
}

// Lost reports whether Lose was called.
func (j *Joiner) Lost() bool { return j.lost }

// Complete reports whether the stream that has just ended reached the end of the
// output, or went beyond.
func (j *Joiner) Complete() bool { return j.lost || j.at == j.out.Size() && len(j.head) == 0 }

// Write takes the next bytes of the stream.
func (j *Joiner) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if !j.inLine && !j.plain {
			used, err := j.readStamp(p)
			if err != nil {
				return 0, err
			}
			p = p[used:]
			continue
		}
		end := len(p)
		if !j.plain {
			if i := bytes.IndexByte(p, '\n'); i >= 0 {
				end, j.inLine = i+1, false
			}
		}
		if err := j.take(p[:end]); err != nil {
			return 0, err
		}
		if !j.inLine || j.at == j.out.Size() {
			j.Pos.Last = max(j.Pos.Last, j.stamp) // this line is in the output
		}
		p = p[end:]
	}
	return n, nil
}

// maxStamp is more than any time stamp has.
const maxStamp = 40

// readStamp reads the time stamp at the beginning of a line.
func (j *Joiner) readStamp(p []byte) (used int, err error) {
	piece := p[:min(len(p), maxStamp-len(j.head))]
	i := bytes.IndexAny(piece, " \n")
	if i < 0 {
		j.head = append(j.head, piece...)
		if len(j.head) == maxStamp {
			return 0, j.noStamp()
		}
		return len(piece), nil
	}
	text := string(append(j.head, piece[:i]...))
	j.head = append(j.head[:0], text...)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || piece[i] != ' ' {
		j.head = append(j.head, piece[i:]...)
		return 0, j.noStamp()
	}
	j.head = j.head[:0]
	j.inLine = true
	j.line(text, at)
	return i + 1, nil
}

func (j *Joiner) noStamp() error { return fmt.Errorf("%w: %q", ErrNoStamp, j.head) }

// line begins a line. The window that the next stream repeats begins with a second
// that is later than all before; should the clock go back, the window is all.
func (j *Joiner) line(text string, at time.Time) {
	sec := at.Unix()
	if j.lost {
		j.skip = at.UnixNano() <= j.Pos.Last
		if j.skip {
			return
		}
		j.at = j.out.Size()
	}
	if j.at == 0 && j.Pos.First == "" {
		j.Pos.First = text
	}
	switch {
	case sec > j.maxSec:
		j.maxSec = sec
		j.Pos.Since, j.Pos.Offset = sec, j.at
	case sec < j.Pos.Since && !j.lost:
		j.Pos.Since, j.Pos.Offset = 0, 0
	}
	j.stamp = at.UnixNano()
}

// take compares what the output has, and appends the rest.
func (j *Joiner) take(p []byte) error {
	if j.skip {
		return nil
	}
	for have := j.out.Size() - j.at; have > 0 && len(p) > 0; have = j.out.Size() - j.at {
		n := int(min(have, int64(len(p)), int64(len(j.buf))))
		if _, err := j.out.ReadAt(j.buf[:n], j.at); err != nil {
			return fmt.Errorf("read output at %d: %w", j.at, err)
		}
		if !bytes.Equal(j.buf[:n], p[:n]) {
			return fmt.Errorf("%w after %d bytes", ErrMismatch, j.at)
		}
		j.at += int64(n)
		p = p[n:]
	}
	if len(p) == 0 {
		return nil
	}
	if err := j.out.Append(p); err != nil {
		return err
	}
	j.at += int64(len(p))
	return nil
}
