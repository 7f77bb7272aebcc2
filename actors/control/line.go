package control

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	// maxLine bounds a command line. Pod definitions and kubeconfigs travel in it,
	// and other daemons send them.
	maxLine = 16 << 20
	// longLine is where a line begins to count against the budget.
	longLine = 64 << 10
	// longLinesTotal bounds the memory of all long lines of the node together: half of
	// it is for local clients.
	longLinesTotal = 16 * maxLine
	// readBuffer is small: most sessions are idle.
	readBuffer = 4 << 10
)

// refusedError is a line that was read to its end and thrown away.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

var (
	errTooLong = &refusedError{fmt.Sprintf("command line longer than %d bytes", maxLine)}
	errCrowded = &refusedError{"too many long command lines at a time, try again"}
)

// budget is memory that many sessions share.
type budget struct{ left atomic.Int64 }

func newBudget(n int64) *budget {
	b := &budget{}
	b.left.Store(n)
	return b
}

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.left.Add(n) }

// lineReader cuts the input of a session into lines.
type lineReader struct {
	r      *bufio.Reader
	budget *budget
	held   int64 // of the budget, for the line in hand
}

func newLineReader(r io.Reader, b *budget) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, readBuffer), budget: b}
}

// next returns the next line that is not empty, without its end and without
// carriage returns. The last line may lack its end. An *refusedError is about one
// line only; after any other error there is nothing more. A line is counted in
// the budget until the call of next or done that follows.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.read()
		line = dropCR(line)
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// done gives back what the line in hand holds of the budget.
func (l *lineReader) done() {
	l.budget.give(l.held)
	l.held = 0
}

// read returns one line without its LF; at the end of input with io.EOF.
func (l *lineReader) read() ([]byte, error) {
	l.done()
	var line []byte
	for {
		piece, err := l.r.ReadSlice('\n')
		if refused := l.grow(len(line), len(piece)); refused != nil {
			return nil, l.discard(err, refused)
		}
		line = append(line, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return line, err
		default:
			return line[:len(line)-1], nil
		}
	}
}

// grow asks whether a line of size bytes may get more of them.
func (l *lineReader) grow(size, more int) error {
	total := int64(size + more)
	switch {
	case total > maxLine+1: // its LF is not counted
		return errTooLong
	case total <= longLine:
		return nil
	}
	// Taken in doubling steps, as append grows.
	for l.held < total {
		step := max(l.held, 2*longLine)
		if !l.budget.take(step) {
			return errCrowded
		}
		l.held += step
	}
	return nil
}

// discard reads to the end of the line; err is that of the last piece.
func (l *lineReader) discard(err, refused error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return refused
}

// dropCR removes carriage returns wherever they stand.
func dropCR(line []byte) []byte {
	if bytes.IndexByte(line, '\r') < 0 {
		return line
	}
	kept := line[:0]
	for _, b := range line {
		if b != '\r' {
			kept = append(kept, b)
		}
	}
	return kept
}
