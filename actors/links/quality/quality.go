// Package quality tells from probes how good a link is.
package quality

import "time"

const (
	// window is how many of the latest probes count for the loss.
	window = 64
	// patience is how long an answer may take; later it counts as lost.
	patience = 5 * time.Second
	// Smoothing of the round trip and of its deviation, as for TCP (RFC 6298).
	rttWeight, jitterWeight = 8, 4
)

// Estimator turns probes and their answers into figures. Times are spans since any
// fixed instant.
type Estimator struct {
	last   uint64 // number of the latest probe
	probes [window]probe
	rtt    time.Duration
	jitter time.Duration
	least  time.Duration
	any    bool
	lost   uint64 // probes that fell out of the window without an answer
}

type probe struct {
	number   uint64 // 0: none yet
	sent     time.Duration
	answered bool
}

// Figures is what is known now.
type Figures struct {
	Measured    bool // RTT, Jitter and Least are known
	RTT, Jitter time.Duration
	Least       time.Duration
	Judged      bool    // Loss is known
	Loss        float64 // of the latest probes
	Probes      uint64
	Lost        uint64 // of all probes
}

// Send numbers a new probe, from 1.
func (e *Estimator) Send(now time.Duration) (number uint64) {
	e.last++
	p := &e.probes[e.last%window]
	if p.number > 0 && !p.answered {
		e.lost++
	}
	*p = probe{number: e.last, sent: now}
	return e.last
}

// Answer takes the answer to a probe. One that is not waited for is ignored.
func (e *Estimator) Answer(number uint64, now time.Duration) {
	p := &e.probes[number%window]
	if number == 0 || p.number != number || p.answered || now-p.sent > patience {
		return
	}
	p.answered = true
	e.measured(now - p.sent)
}

func (e *Estimator) measured(rtt time.Duration) {
	if !e.any {
		e.any, e.rtt, e.jitter, e.least = true, rtt, rtt/2, rtt
		return
	}
	e.jitter += ((rtt - e.rtt).Abs() - e.jitter) / jitterWeight
	e.rtt += (rtt - e.rtt) / rttWeight
	e.least = min(e.least, rtt)
}

// Read is what is known at that time. A probe whose answer may still come is not
// judged.
func (e *Estimator) Read(now time.Duration) Figures {
	f := Figures{Measured: e.any, RTT: e.rtt, Jitter: e.jitter, Least: e.least, Probes: e.last, Lost: e.lost}
	judged, lost := 0, 0
	for _, p := range e.probes {
		switch {
		case p.number == 0:
		case p.answered:
			judged++
		case now-p.sent > patience:
			judged++
			lost++
		}
	}
	f.Lost += uint64(lost)
	if judged > 0 {
		f.Judged, f.Loss = true, float64(lost)/float64(judged)
	}
	return f
}
