package streams

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// maxEarly is what fits into a packet with the marker or the answer to it.
	maxEarly = 1024
	// answerDelay is how long the answer waits for data to go with.
	answerDelay = 20 * time.Millisecond
	// lively is how recently a session has answered if its dialer surely does not
	// wait for this answer; well below quiet.
	lively = quiet / 2
)

// debt is the answer that the dialer of a stream has yet to get.
type debt struct {
	mu    sync.Mutex
	owed  bool
	timer *time.Timer
}

// cancel forgets the answer.
func (d *debt) cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle()
}

// settle is called with mu held.
func (d *debt) settle() {
	if d.owed = false; d.timer != nil {
		d.timer.Stop()
	}
}

// owe has the far end answered: at once if its dialer might wait for that, else
// together with what is written first.
func (s *stream) owe() error {
	s.answer.mu.Lock()
	s.answer.owed = true
	wait := s.pump.answeredWithin(lively)
	if wait {
		s.answer.timer = time.AfterFunc(answerDelay, s.payLate)
	}
	s.answer.mu.Unlock()
	if wait {
		return nil
	}
	_, err := s.pay(nil)
	return err
}

func (s *stream) payLate() {
	if _, err := s.pay(nil); err != nil {
		s.pump.net.log.Debug().Err(err).Str("node", s.pump.key.node).Msg("answer on a stream")
	}
}

// pay writes the answer, if it is owed, and b with it if it fits; paid says that b
// was written. It does not block: so little always fits into a stream's first
// packet. The answer alone has no deadline: without it the far end would take the
// first byte that follows for it.
func (s *stream) pay(b []byte) (paid bool, err error) {
	s.answer.mu.Lock()
	defer s.answer.mu.Unlock()
	if !s.answer.owed {
		return false, nil
	}
	if len(b) > maxEarly {
		b = nil
	}
	if len(b) == 0 {
		err = s.quic.TryWriteAll(marked(nil))
	}
	if len(b) > 0 || errors.Is(err, quic.ErrWouldBlock) {
		_, err = s.quic.Write(marked(b))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err // of b; nothing was written, and the answer is still owed
	}
	s.answer.settle()
	var stopped *quic.StreamError
	if len(b) == 0 && errors.As(err, &stopped) {
		err = nil // the peer has sent what it had and wants no answer
	}
	s.pump.answered.Store(time.Now().UnixNano())
	return len(b) > 0, err
}

// answeredWithin reports whether the peer was written to so recently.
func (p *pump) answeredWithin(d time.Duration) bool {
	return time.Since(time.Unix(0, p.answered.Load())) < d
}
