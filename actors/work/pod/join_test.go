package pod

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// memory is an output in memory.
type memory struct{ bytes []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, m.bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) Append(p []byte) error {
	m.bytes = append(m.bytes, p...)
	return nil
}

func (m *memory) Size() int64 { return int64(len(m.bytes)) }

// piece is an entry of a container's log: a line, or a part of a long one.
type piece struct {
	at   time.Time
	text string // ends with a newline unless more of the line follows
}

// stream is the log as a kubelet sends it: stamps at the beginning of lines only.
func stream(log []piece, since int64, stamps bool) []byte {
	var b bytes.Buffer
	begin := true
	for _, p := range log {
		if p.at.Before(time.Unix(since, 0)) && since > 0 {
			begin = strings.HasSuffix(p.text, "\n")
			continue
		}
		if begin && stamps {
			b.WriteString(p.at.UTC().Format("2006-01-02T15:04:05.000000000Z07:00") + " ")
		}
		b.WriteString(p.text)
		begin = strings.HasSuffix(p.text, "\n")
	}
	return b.Bytes()
}

func whole(log []piece) string {
	var b strings.Builder
	for _, p := range log {
		b.WriteString(p.text)
	}
	return b.String()
}

var noon = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// someLog has equal stamps, long lines in pieces, empty lines, lines that look like
// stamps, and an end without newline; now and then the clock goes back.
func someLog(r *rand.Rand, back bool) []piece {
	var log []piece
	at := noon
	for range 1 + r.IntN(40) {
		switch r.IntN(6) {
		case 0:
			at = at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
		case 1:
			at = at.Add(time.Nanosecond)
		case 2:
			if back && r.IntN(8) == 0 {
				at = at.Add(-time.Duration(r.IntN(5000)) * time.Millisecond)
			}
		}
		text := strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(5))
		if r.IntN(9) == 0 {
			text = at.Format(time.RFC3339Nano) + " x"
		}
		if r.IntN(4) > 0 {
			text += "\n"
		}
		if text != "" {
			log = append(log, piece{at, text})
		}
	}
	return log
}

// send gives a joiner a stream that breaks off after n bytes.
func send(j *Joiner, text []byte, n int, r *rand.Rand) error {
	j.Begin()
	text = text[:n]
	for len(text) > 0 {
		k := 1 + r.IntN(len(text))
		if _, err := j.Write(text[:k]); err != nil {
			return err
		}
		text = text[k:]
	}
	return nil
}

// However often streams break, at whatever byte, and whether the one who joins them
// is started anew in between: the output is the log. Should a clock be set back, it is,
// or the difference is seen.
func TestBrokenStreamsMakeOneOutput(t *testing.T) {
seeds:
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		back := r.IntN(3) == 0
		log := someLog(r, back)
		plain := r.IntN(4) == 0
		out := &memory{}
		j := NewJoiner(out, Position{}, plain)
		for try := 0; ; try++ {
			if r.IntN(4) == 0 {
				j = NewJoiner(out, j.Pos, plain)
			}
			known := len(log)
			if try < 10 {
				known = r.IntN(len(log) + 1) // the container is still writing
			}
			if try >= 10 {
				j.Rewind()
			}
			text := stream(log[:known], j.Pos.Since, !plain)
			n := len(text)
			if try < 10 {
				n = r.IntN(n + 1)
			}
			err := send(j, text, n, r)
			if err != nil && back && try >= 10 {
				continue seeds // lines that came while nobody read were never shown; that is seen
			}
			if err != nil && !j.Rewind() {
				if !back {
					t.Fatalf("seed %d: %v", seed, err)
				}
				continue seeds
			}
			if err == nil && try >= 10 {
				break
			}
			if try > 20 {
				t.Fatalf("seed %d: never whole", seed)
			}
		}
		if !j.Complete() || string(out.bytes) != whole(log) {
			t.Fatalf("seed %d: got\n%q, want\n%q", seed, out.bytes, whole(log))
		}
	}
}

func lines(from, to int) []piece {
	var log []piece
	for i := from; i < to; i++ {
		log = append(log, piece{noon.Add(time.Duration(i) * 400 * time.Millisecond), fmt.Sprintf("line %d\n", i)})
	}
	return log
}

func TestRotationWhileNobodyReads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	log := lines(0, 20)
	out := &memory{}
	j := NewJoiner(out, Position{}, false)
	if err := send(j, stream(log[:10], 0, true), len(stream(log[:10], 0, true)), r); err != nil {
		t.Fatal(err)
	}
	rotated := log[13:]
	text := stream(rotated, j.Pos.Since, true)
	if err := send(j, text, len(text), r); !errors.Is(err, ErrMismatch) {
		t.Fatal("the gap was not seen:", err)
	}
	if !j.Rewind() {
		t.Fatal("the whole log was not asked for")
	}
	text = stream(rotated, j.Pos.Since, true)
	if err := send(j, text, len(text), r); !errors.Is(err, ErrMismatch) || j.Rewind() {
		t.Fatal("the gap was not seen in the whole log:", err)
	}
	j.Lose()
	text = stream(rotated, j.Pos.Since, true)
	if err := send(j, text, len(text), r); err != nil {
		t.Fatal(err)
	}
	if want := whole(log[:10]) + whole(rotated); string(out.bytes) != want || !j.Lost() {
		t.Errorf("got %q", out.bytes)
	}
	text = stream(rotated, j.Pos.Since, true)
	if err := send(j, text, len(text), r); err != nil || string(out.bytes) != whole(log[:10])+whole(rotated) {
		t.Errorf("lines were doubled: %v, %q", err, out.bytes)
	}
}

func TestShortLogIsNotComplete(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	text := stream(lines(0, 5), 0, true)
	j := NewJoiner(&memory{}, Position{}, false)
	if err := send(j, text, len(text), r); err != nil || !j.Complete() {
		t.Fatal(err)
	}
	j.Rewind()
	if err := send(j, text, len(text)-50, r); err != nil || j.Complete() {
		t.Error("a log that ends before the output counts as complete:", err)
	}
	j.Rewind()
	if err := send(j, text, len(text), r); err != nil || !j.Complete() {
		t.Error(err)
	}
	cut := append(bytes.Clone(text), "2030-01-31T12:"...)
	j.Rewind()
	if err := send(j, cut, len(cut), r); err != nil || j.Complete() {
		t.Error("a log that ends in a time stamp counts as complete:", err)
	}
}

func TestLinesWithoutStamp(t *testing.T) {
	for _, text := range []string{
		"x\n", "unable to retrieve container logs for containerd://abc", "\n", strings.Repeat("y", 100), "2030-01-31T12:00:00Z\n", " \n",
	} {
		j := NewJoiner(&memory{}, Position{}, false)
		j.Begin()
		_, err := j.Write([]byte(text))
		if short := len(text) < maxStamp && !strings.ContainsAny(text, " \n"); err == nil && !short || err != nil && !errors.Is(err, ErrNoStamp) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzJoiner(f *testing.F) {
	f.Add([]byte("2030-01-31T12:00:00.000000001Z a\nx"), []byte("b"), 3)
	f.Add([]byte("2030-01-31T12:00:00.000000001Z a\n"), []byte("2030-01-31T12:00:00.000000001Z a\n2030-01-31T12:00:01Z b\n"), 50)
	f.Fuzz(func(t *testing.T, first, second []byte, cut int) {
		out := &memory{}
		j := NewJoiner(out, Position{}, false)
		for _, text := range [][]byte{first, second} {
			before := bytes.Clone(out.bytes)
			j.Begin()
			cut = max(0, min(cut, len(text)))
			if _, err := j.Write(text[:cut]); err == nil {
				_, err = j.Write(text[cut:])
				if errors.Is(err, ErrMismatch) {
					j.Rewind()
				}
			}
			if !bytes.HasPrefix(out.bytes, before) {
				t.Fatal("what was there was changed")
			}
		}
	})
}
