package links

import (
	"context"
	"time"

	linksv1 "receptor/proto/links/v1"
)

const (
	// measurePeriod is the time between two looks at a link. A probe has ten bytes.
	measurePeriod = 2 * time.Second
	// firstMeasure leaves the neighbour time to establish its end.
	firstMeasure = 500 * time.Millisecond
	// pingEvery is how many looks pass between two pings of a neighbour that knows no
	// probes: it has more to do for one, and may be of another make.
	pingEvery    = 5
	pingPatience = 4 * time.Second
)

// measure looks how good the link is. Towards nodes of other makes the kernel's
// figures are enough; only where there are none they are pinged.
func (l *link) measure() {
	if !l.shake.Established() {
		return
	}
	l.prober = l.sink.after(measurePeriod, linksv1.Timer_TIMER_MEASURE)
	l.looks++
	l.pump.Rate()
	if l.probes {
		l.pump.Probe()
		return
	}
	if _, known := l.pump.Path(); known || l.looks%pingEvery != 1 {
		return
	}
	plane, queue, node := l.cfg.plane, l.pump.queue, l.shake.Node()
	l.pump.Ping(func(ctx context.Context) error { return plane.PingOver(ctx, queue, node) })
}
