package mesh

import (
	"time"

	"receptor/transport/frame"
)

const (
	// sampleGap is how many frames pass between two whose waiting is measured: the
	// clock is read for few.
	sampleGap = 64
	// sampleWeight is the share of the newest sample in the smoothed delay: an eighth.
	sampleWeight = 8
)

// sample follows one frame at a time through a queue, to see how long it waits. A
// queue of which nobody asked for a while starts anew with the next frame.
type sample struct {
	frame *frame.Buf // on its way; nil for none
	since time.Time
	skip  int // frames until the next is followed
	delay time.Duration
}

func (s *sample) queued(f *frame.Buf) {
	if s.frame != nil {
		return
	}
	if s.skip--; s.skip > 0 {
		return
	}
	s.frame, s.since, s.skip = f, time.Now(), sampleGap
}

func (s *sample) taken(f *frame.Buf) {
	if s.frame == f {
		s.delay += (time.Since(s.since) - s.delay) / sampleWeight
		s.frame = nil
	}
}

func (s *sample) dropped(f *frame.Buf) {
	if s.frame == f {
		s.frame = nil
	}
}

// read is the smoothed delay, or how long the followed frame has been waiting if
// that is more already. The next frame will be followed.
func (s *sample) read() time.Duration {
	s.skip = 0
	if s.frame != nil {
		return max(s.delay, time.Since(s.since))
	}
	return s.delay
}
