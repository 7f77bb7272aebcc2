package quality

import (
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestSteadyLink(t *testing.T) {
	var e Estimator
	for i := range 100 {
		now := time.Duration(i) * time.Second
		e.Answer(e.Send(now), now+20*ms)
	}
	f := e.Read(100 * time.Second)
	if !f.Measured || f.RTT != 20*ms || f.Least != 20*ms || f.Jitter > ms || !f.Judged || f.Loss != 0 || f.Lost != 0 || f.Probes != 100 {
		t.Errorf("%+v", f)
	}
}

func TestLossIsThatOfTheLatestProbes(t *testing.T) {
	var e Estimator
	now := time.Duration(0)
	run := func(n int, answered func(i int) bool) Figures {
		for i := range n {
			now += time.Second
			if number := e.Send(now); answered(i) {
				e.Answer(number, now+ms)
			}
		}
		return e.Read(now)
	}
	all := func(int) bool { return true }
	if f := run(200, func(i int) bool { return i%4 != 0 }); math.Abs(f.Loss-0.25) > 0.05 || f.Lost < 45 || f.Lost > 50 {
		t.Errorf("every fourth: %+v", f)
	}
	if f := run(window, all); f.Loss != 0 || f.Lost != 50 {
		t.Errorf("healed: %+v", f)
	}
}

func TestWhatMayStillComeIsNotLost(t *testing.T) {
	var e Estimator
	first := e.Send(0)
	if f := e.Read(patience); f.Judged || f.Measured || f.Lost != 0 {
		t.Errorf("too early: %+v", f)
	}
	if f := e.Read(patience + 1); !f.Judged || f.Loss != 1 || f.Lost != 1 {
		t.Errorf("too late: %+v", f)
	}
	e.Answer(first, patience+1)
	if f := e.Read(patience + 1); f.Measured || f.Lost != 1 {
		t.Errorf("an answer that is too late: %+v", f)
	}
}

func TestAnswersThatNobodyWaitsForAreIgnored(t *testing.T) {
	var e Estimator
	e.Answer(0, ms)
	e.Answer(5, ms)
	n := e.Send(0)
	e.Answer(n, 10*ms)
	e.Answer(n, 500*ms)
	e.Answer(n+window, ms)
	if f := e.Read(time.Second); f.RTT != 10*ms || f.Probes != 1 {
		t.Errorf("%+v", f)
	}
}

// The weights are those of RFC 6298: an eighth for the round trip, a quarter for its
// deviation from what was expected.
func TestSmoothing(t *testing.T) {
	var e Estimator
	for i, c := range []struct{ took, rtt, jitter, least time.Duration }{
		{80 * ms, 80 * ms, 40 * ms, 80 * ms},
		{16 * ms, 72 * ms, 46 * ms, 16 * ms},
		{32 * ms, 67 * ms, 44500 * time.Microsecond, 16 * ms},
	} {
		now := time.Duration(i) * time.Second
		e.Answer(e.Send(now), now+c.took)
		if f := e.Read(now); f.RTT != c.rtt || f.Jitter != c.jitter || f.Least != c.least {
			t.Errorf("answer %d: %+v, want %+v", i, f, c)
		}
	}
}

func TestAnAnswerMayTakeItsTime(t *testing.T) {
	var e Estimator
	e.Answer(e.Send(0), patience)
	if f := e.Read(patience); !f.Measured || f.RTT != patience || f.Loss != 0 {
		t.Errorf("%+v", f)
	}
}

func TestJitterFollowsTheDeviation(t *testing.T) {
	var e Estimator
	for i := range 200 {
		now := time.Duration(i) * time.Second
		e.Answer(e.Send(now), now+50*ms+time.Duration(i%2)*20*ms)
	}
	f := e.Read(200 * time.Second)
	if f.RTT < 55*ms || f.RTT > 65*ms || f.Jitter < 8*ms || f.Jitter > 12*ms || f.Least != 50*ms {
		t.Errorf("%+v", f)
	}
}
