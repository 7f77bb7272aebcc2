package frame

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/iotest"
)

// TestGolden checks against what an existing node writes.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/mesh-tcp-framing.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Vectors []struct {
			Framed  string `json:"framed_hex"`
			Message string `json:"message_hex"`
		} `json:"vectors"`
		Overflow []struct {
			MessageLen int `json:"message_len"`
		} `json:"overflow"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	var stream, messages []byte
	for i, v := range golden.Vectors {
		framed, msg := unhex(t, v.Framed), unhex(t, v.Message)
		got, err := Append(nil, msg)
		if err != nil || !bytes.Equal(got, framed) {
			t.Errorf("vector %d: %x, %v", i, got, err)
		}
		stream, messages = append(stream, framed...), append(messages, msg...)
	}
	for _, r := range []io.Reader{bytes.NewReader(stream), iotest.OneByteReader(bytes.NewReader(stream))} {
		if got := readAll(t, NewReader(r, 64)); !bytes.Equal(bytes.Join(got, nil), messages) || len(got) != len(golden.Vectors) {
			t.Errorf("read %d messages", len(got))
		}
	}
	for _, o := range golden.Overflow {
		_, err := Append(nil, make([]byte, o.MessageLen))
		if tooLong := errors.Is(err, ErrTooLong); tooLong != (o.MessageLen > MaxLen) {
			t.Errorf("%d bytes: %v", o.MessageLen, err)
		}
	}
}

func TestEndInsideAFrame(t *testing.T) {
	for stream, want := range map[string]error{
		"":             io.EOF,
		"\x01":         io.ErrUnexpectedEOF,
		"\x03\x00ab":   io.ErrUnexpectedEOF,
		"\x03\x00":     io.ErrUnexpectedEOF,
		"\x00\x00\x01": io.ErrUnexpectedEOF,
	} {
		r := NewReader(bytes.NewReader([]byte(stream)), 64)
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, want) {
			t.Errorf("%x: %v, want %v", stream, err, want)
		}
	}
}

// A copy has the message and nothing else, whatever memory it got.
func TestCopiesAreTheirOwn(t *testing.T) {
	for _, n := range []int{0, 1, smallCap, smallCap + 1, MaxLen} {
		msg := bytes.Repeat([]byte{7}, n)
		b := Copy(msg)
		clear(msg)
		if b.Len() != n || !bytes.Equal(b.Bytes(), bytes.Repeat([]byte{7}, n)) {
			t.Errorf("the copy of %d bytes has %d", n, b.Len())
		}
		b.Truncate(n / 2)
		if b.Len() != n/2 || len(b.Bytes()) != n/2 {
			t.Errorf("half of %d bytes are %d", n, b.Len())
		}
		b.Free()
	}
}

// FuzzReader cuts any stream into frames: no panic, and framing them again gives
// the same stream, but for a half frame at its end.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 0, 'a', 2, 0, 'b'})
	f.Add([]byte("\x05\x00hello\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(iotest.HalfReader(bytes.NewReader(stream)), 32)
		var again []byte
		for {
			b, err := r.Next()
			if err != nil {
				break
			}
			if again, err = Append(again, b.Bytes()); err != nil {
				t.Fatal(err)
			}
			b.Free()
		}
		if !bytes.HasPrefix(stream, again) {
			t.Fatalf("%x became %x", stream, again)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{100, 1200, 16 << 10} {
		b.Run(sizeName(size), func(b *testing.B) {
			stream, err := Append(nil, make([]byte, size))
			if err != nil {
				b.Fatal(err)
			}
			r := NewReader(&endless{stream: bytes.Repeat(stream, 64)}, 256<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				f, err := r.Next()
				if err != nil {
					b.Fatal(err)
				}
				f.Free()
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1200, 16 << 10} {
		b.Run(sizeName(size), func(b *testing.B) {
			msg, out := make([]byte, size), make([]byte, 0, size+PrefixLen)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if out, err = Append(out[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func sizeName(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%dKiB", n/1024)
	}
	return fmt.Sprintf("%dB", n)
}

// endless repeats a stream.
type endless struct {
	stream []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.stream[e.at:])
	e.at = (e.at + n) % len(e.stream)
	return n, nil
}

func readAll(t *testing.T, r *Reader) [][]byte {
	t.Helper()
	var all [][]byte
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, append([]byte(nil), b.Bytes()...))
		b.Free()
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Who has said nothing yet has a small buffer; who has, a big one, in which many
// messages come at once, and none is lost on the way from one to the other.
func TestStrangersHaveASmallBuffer(t *testing.T) {
	const size = 256 << 10
	src, far := net.Pipe()
	defer src.Close()
	r := NewReader(src, size)
	if got := r.r.Size(); got > strangerBuffer {
		t.Errorf("a stranger has %d bytes", got)
	}
	go func() {
		defer far.Close()
		var all []byte
		for i := range 500 {
			var err error
			if all, err = Append(all, bytes.Repeat([]byte{byte(i)}, i*7)); err != nil {
				t.Error(err)
			}
		}
		for i := 0; i < len(all); i += 1000 { // in pieces that end anywhere
			if _, err := far.Write(all[i:min(i+1000, len(all))]); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for i := range 500 {
		b, err := r.Next()
		if err != nil || len(b.Bytes()) != i*7 || i > 0 && b.Bytes()[0] != byte(i) {
			t.Fatalf("message %d: %v", i, err)
		}
		b.Free()
	}
	if got := r.r.Size(); got != size {
		t.Errorf("a neighbour has %d bytes", got)
	}
}
