package links

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"receptor/actors/links/quality"
	inspectv1 "receptor/proto/inspect/v1"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/wire"
)

// gauge measures one connection. The reader, the link and those who ask touch it.
type gauge struct {
	framesIn, bytesIn atomic.Uint64
	path              atomic.Pointer[func() (transport.Path, bool)] // nil: the kernel does not measure

	mu       sync.Mutex // guards the rest
	source   inspectv1.QualitySource
	probes   quality.Estimator
	old, new reading
	in, out  float64 // bytes per second
}

// reading is the state of the counters at some time.
type reading struct {
	at      time.Duration // since the pump's begin
	in, out uint64
}

// received counts a message that came in.
func (g *gauge) received(size int) {
	g.framesIn.Add(1)
	g.bytesIn.Add(uint64(size))
}

// since is the clock of all that a pump measures.
func (p *pump) since() time.Duration { return time.Since(p.begin) }

// Probe asks the neighbour for an answer. It must have announced that it knows
// probes.
func (p *pump) Probe() {
	p.gauge.mu.Lock()
	p.gauge.source = inspectv1.QualitySource_QUALITY_SOURCE_PROBE
	n := p.gauge.probes.Send(p.since())
	p.gauge.mu.Unlock()
	p.queue.PutControl("", frame.Copy(wire.Probe{Number: n}.Encode()))
}

// probed answers a probe, or takes an answer. Of answers that wait to be written
// the newest is enough: a neighbour that floods us gets no flood.
func (p *pump) probed(msg []byte) {
	m, err := wire.DecodeProbe(msg)
	switch {
	case err != nil:
	case m.Answer:
		p.gauge.mu.Lock()
		p.gauge.probes.Answer(m.Number, p.since())
		p.gauge.mu.Unlock()
	default:
		p.queue.PutControl("probe", frame.Copy(wire.Probe{Answer: true, Number: m.Number}.Encode()))
	}
}

// pinger pings a neighbour over one link: *mesh.Plane.
type pinger func(ctx context.Context) error

// Ping does the work of Probe where the neighbour does not know probes. It does not
// wait.
func (p *pump) Ping(ping pinger) {
	p.gauge.mu.Lock()
	p.gauge.source = inspectv1.QualitySource_QUALITY_SOURCE_PING
	n := p.gauge.probes.Send(p.since())
	p.gauge.mu.Unlock()
	p.pings.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, pingPatience)
		defer cancel()
		if ping(ctx) != nil {
			return // lost: the estimator finds out
		}
		p.gauge.mu.Lock()
		p.gauge.probes.Answer(n, p.since())
		p.gauge.mu.Unlock()
	})
}

// Path is what the kernel says of the connection.
func (p *pump) Path() (transport.Path, bool) {
	ask := p.gauge.path.Load()
	if ask == nil {
		return transport.Path{}, false
	}
	return (*ask)()
}

// Rate takes the rates since it was called before.
func (p *pump) Rate() {
	now := reading{p.since(), p.gauge.bytesIn.Load(), p.queue.Stats().TakenBytes}
	g := &p.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	g.old, g.new = g.new, now
	if over := (g.new.at - g.old.at).Seconds(); over > 0 {
		g.in, g.out = float64(g.new.in-g.old.in)/over, float64(g.new.out-g.old.out)/over
	}
}

// Measures are all that was measured.
func (p *pump) Measures() (*inspectv1.Quality, *inspectv1.Traffic, *inspectv1.Queue) {
	s := p.queue.Stats()
	p.gauge.mu.Lock()
	source, f, in, out := p.gauge.source, p.gauge.probes.Read(p.since()), p.gauge.in, p.gauge.out
	p.gauge.mu.Unlock()
	traffic := &inspectv1.Traffic{
		BytesIn: p.gauge.bytesIn.Load(), FramesIn: p.gauge.framesIn.Load(),
		BytesOut: s.TakenBytes, FramesOut: s.Taken, BytesInPerSecond: in, BytesOutPerSecond: out,
	}
	queue := &inspectv1.Queue{
		Bytes: uint64(s.QueuedBytes), Frames: uint64(s.QueuedFrames), Flows: uint32(s.Flows), Dropped: s.Dropped,
		Delay: durationpb.New(s.Delay),
	}
	return p.quality(source, f), traffic, queue
}

func (p *pump) quality(source inspectv1.QualitySource, f quality.Figures) *inspectv1.Quality {
	if source == inspectv1.QualitySource_QUALITY_SOURCE_UNSPECIFIED {
		path, ok := p.Path()
		if !ok {
			return &inspectv1.Quality{}
		}
		return ofPath(path)
	}
	q := &inspectv1.Quality{Source: source, Probes: f.Probes, Lost: f.Lost}
	if f.Measured {
		q.Rtt, q.Jitter, q.RttMin = durationpb.New(f.RTT), durationpb.New(f.Jitter), durationpb.New(f.Least)
	}
	// A neighbour that never answered a ping may have a firewall rule against it.
	if f.Judged && (f.Measured || source == inspectv1.QualitySource_QUALITY_SOURCE_PROBE) {
		q.Loss = &f.Loss
	}
	return q
}

func ofPath(p transport.Path) *inspectv1.Quality {
	q := &inspectv1.Quality{
		Source: inspectv1.QualitySource_QUALITY_SOURCE_TCP, Probes: p.Sent, Lost: p.Resent,
		Rtt: durationpb.New(p.RTT), Jitter: durationpb.New(p.Jitter), RttMin: durationpb.New(p.MinRTT),
	}
	if p.Sent > 0 {
		loss := float64(p.Resent) / float64(p.Sent)
		q.Loss = &loss
	}
	return q
}
