package socket

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// asked notes how much is asked of a reader at once.
type asked struct {
	io.Reader
	most int
}

func (a *asked) Read(p []byte) (int, error) {
	a.most = max(a.most, len(p))
	return a.Reader.Read(p)
}

func TestAheadGrowsWithWhatComes(t *testing.T) {
	const size = 64 << 10
	text := bytes.Repeat([]byte("0123456789abcdef"), 10<<10)
	for _, c := range []struct {
		name string
		src  io.Reader
		most int // read at once
	}{
		{"little at a time", iotest.OneByteReader(bytes.NewReader(text)), littleAhead},
		{"all at once", bytes.NewReader(text), size},
		{"little in all", bytes.NewReader(text[:100]), littleAhead},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := &asked{Reader: c.src}
			a := NewAhead(src, size)
			var got []byte
			for p := make([]byte, 100); ; {
				n, err := a.Read(p)
				got = append(got, p[:n]...)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.HasPrefix(text, got) || len(got) != len(text) && len(got) != 100 {
				t.Errorf("read %d bytes of %d", len(got), len(text))
			}
			if src.most != c.most {
				t.Errorf("asked for %d bytes at once, want %d", src.most, c.most)
			}
		})
	}
}
