package main

import (
	"errors"
	"io"
)

// errEscape is the user's wish to leave.
var errEscape = errors.New("escape sequence typed")

const leaveKey = 0x1d // Ctrl-]

// escapeReader passes typed bytes on and ends with errEscape at Ctrl-], or at ~. on
// the beginning of a line. A ~ there is held back until the next key decides:
//
//	lineStart --~--> tilde --.--> leave
//	    ^              |--~--> sends ~
//	    | CR, LF       |--other--> sends ~ and the key
//	 inLine <----------+
type escapeReader struct {
	src    io.Reader
	inLine bool
	tilde  bool
	left   bool
}

func (e *escapeReader) Read(p []byte) (int, error) {
	if e.left {
		return 0, errEscape
	}
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	typed := make([]byte, len(p)/2) // each key gives at most two bytes
	n, err := e.src.Read(typed)
	out := p[:0]
	for _, key := range typed[:n] {
		if out = e.key(out, key); e.left {
			return len(out), nil
		}
	}
	if err != nil && e.tilde {
		e.tilde = false
		out = append(out, '~')
	}
	return len(out), err
}

func (e *escapeReader) key(out []byte, key byte) []byte {
	held := e.tilde
	e.tilde = false
	switch {
	case key == leaveKey, held && key == '.':
		e.left = true
		return out
	case key == '~' && !e.inLine && !held:
		e.tilde = true
		return out
	case held && key != '~':
		out = append(out, '~')
	}
	e.inLine = key != '\r' && key != '\n'
	return append(out, key)
}
