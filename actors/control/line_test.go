package control

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll are all lines of an input, and the errors between them.
func readAll(r io.Reader, b *budget) (got []string, end error) {
	l := newLineReader(r, b)
	for {
		line, err := l.next()
		var refused *refusedError
		switch {
		case errors.As(err, &refused):
			got = append(got, "refused: "+refused.text)
		case err != nil:
			return got, err
		default:
			got = append(got, string(line))
		}
	}
}

func TestLinesAreCut(t *testing.T) {
	for input, want := range map[string]string{
		"":                  "",
		"a\nb":              "a|b",
		"\n\r\n\ra\r\n\n\r": "a",
		"a b\n" + strings.Repeat("c", 3*readBuffer) + "\nd\n": "a b|" + strings.Repeat("c", 3*readBuffer) + "|d",
	} {
		got, end := readAll(iotest.OneByteReader(strings.NewReader(input)), newBudget(longLinesTotal))
		if strings.Join(got, "|") != want || !errors.Is(end, io.EOF) {
			t.Errorf("%.20q: %.60q, %v", input, got, end)
		}
	}
	broken := errors.New("broken")
	got, end := readAll(io.MultiReader(strings.NewReader("a\npart"), iotest.ErrReader(broken)), newBudget(0))
	if len(got) != 1 || !errors.Is(end, broken) {
		t.Errorf("%q, %v", got, end)
	}
}

func TestLongLinesShareABudget(t *testing.T) {
	b := newBudget(4 * longLine)
	long := strings.Repeat("x", 3*longLine)
	first := newLineReader(strings.NewReader(long+"\n"), b)
	if line, err := first.next(); err != nil || len(line) != len(long) {
		t.Fatal(len(line), err)
	}
	got, _ := readAll(strings.NewReader(long+"\nshort\n"), b)
	if len(got) != 2 || got[0] != "refused: "+errCrowded.text || got[1] != "short" {
		t.Errorf("%.80q", got)
	}
	first.done()
	if got, _ := readAll(strings.NewReader(long+"\n"), b); len(got) != 1 || got[0] != long {
		t.Errorf("%.80q", got)
	}
	if left := b.left.Load(); left != 4*longLine {
		t.Errorf("%d left of the budget", left)
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("status\r\n\nping foo"))
	f.Fuzz(func(t *testing.T, input []byte) {
		var want []string
		for line := range bytes.SplitSeq(input, []byte("\n")) {
			if line = bytes.ReplaceAll(line, []byte("\r"), nil); len(line) > 0 {
				want = append(want, string(line))
			}
		}
		got, end := readAll(bytes.NewReader(input), newBudget(longLinesTotal))
		if strings.Join(got, "\n") != strings.Join(want, "\n") || !errors.Is(end, io.EOF) {
			t.Fatalf("%q: %q, %v", input, got, end)
		}
	})
}
