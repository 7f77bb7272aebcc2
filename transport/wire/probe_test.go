package wire_test

import (
	"errors"
	"testing"

	"receptor/transport/wire"
)

func TestProbe(t *testing.T) {
	for _, p := range []wire.Probe{{}, {Answer: true, Number: 1}, {Number: 1<<64 - 1}} {
		got, err := wire.DecodeProbe(append(p.Encode(), "later"...))
		if err != nil || got != p {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	whole := wire.Probe{Number: 7}.Encode()
	if _, err := wire.DecodeProbe(whole[:9]); !errors.Is(err, wire.ErrShort) {
		t.Errorf("a short one: %v", err)
	}
	for _, at := range []int{0, 1} {
		other := append([]byte(nil), whole...)
		other[at] = 7
		if _, err := wire.DecodeProbe(other); !errors.Is(err, wire.ErrType) {
			t.Errorf("byte %d is another: %v", at, err)
		}
	}
}

func FuzzProbe(f *testing.F) {
	f.Add(wire.Probe{Answer: true, Number: 3}.Encode())
	f.Fuzz(func(t *testing.T, msg []byte) {
		p, err := wire.DecodeProbe(msg)
		if err != nil {
			return
		}
		if again, err := wire.DecodeProbe(p.Encode()); err != nil || again != p {
			t.Errorf("%v is read as %v, %v", p, again, err)
		}
	})
}
