package wire

import (
	"bytes"
	"testing"
	"time"
)

func TestRejectSaysForHowLong(t *testing.T) {
	for span, want := range map[time.Duration]time.Duration{
		0: 0, -time.Second: 0, time.Nanosecond: time.Millisecond, time.Second: time.Second,
		1500 * time.Microsecond: 2 * time.Millisecond, time.Hour: time.Hour, 48 * time.Hour: maxRejected,
	} {
		msg := RejectFor(span)
		if got := RejectedFor(msg); got != want || msg[0] != TypeReject {
			t.Errorf("%v: %q, %v", span, msg, got)
		}
	}
	if !bytes.Equal(RejectFor(0), Reject) {
		t.Error("a reject of no span is not the one that others send")
	}
	for _, msg := range []string{"", "\x03", "\x03[]", "\x03{}", "\x03null", "\x03[-1,1]", "\x03[1]", "\x03[1,2]", "\x03[1,1,1]", "\x03[\"1\"]", "\x03[1e30,1]", "\x02[1000,1]"} {
		if got := RejectedFor([]byte(msg)); got != 0 {
			t.Errorf("%q: %v", msg, got)
		}
	}
}

func FuzzRejectedFor(f *testing.F) {
	f.Add(Reject)
	f.Add(RejectFor(time.Minute))
	f.Fuzz(func(t *testing.T, msg []byte) {
		span := RejectedFor(msg)
		if span < 0 || span > maxRejected || RejectedFor(RejectFor(span)) != span {
			t.Errorf("%q: %v", msg, span)
		}
	})
}
