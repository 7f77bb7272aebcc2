package mesh

import (
	"context"
	"errors"
	"time"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

const (
	// PingTimeout is how long a ping waits for an answer.
	PingTimeout = 10 * time.Second
	// pingRepeat is when an unanswered probe is sent again; the wait doubles. A probe
	// that was lost with its path finds the new one so.
	pingRepeat = 200 * time.Millisecond
)

// PingResult is the outcome of one probe.
type PingResult struct {
	From    string // the node that answered, or said why not
	Took    time.Duration
	Problem string // empty on success, else in the words of the control protocol
}

// Problems of a ping that no node reported.
const (
	ProblemTimeout   = "timeout"
	ProblemCancelled = "user cancelled"
)

type notice struct {
	problem, from string
}

// Ping sends a datagram to the ping service of target and waits for what comes
// back, and repeats it now and then while nothing does. It crosses at most hops links. It blocks, at most PingTimeout.
func (p *Plane) Ping(ctx context.Context, target string, hops byte) PingResult {
	start := time.Now()
	notices := make(chan notice, 1)
	result := p.ping(ctx, target, hops, notices)
	result.Took = time.Since(start)
	if result.From == "" {
		result.From = p.self
	}
	return result
}

func (p *Plane) ping(ctx context.Context, target string, hops byte, notices chan notice) PingResult {
	s, err := p.listen("", SocketOptions{
		Hops: hops, Ring: 4, Impatient: true,
		OnUnreachable: func(u wire.Unreachable, from string) {
			select {
			case notices <- notice{u.Problem, from}:
			default: // the first one decides
			}
		},
	})
	if err != nil {
		return PingResult{Problem: err.Error()}
	}
	defer s.Close()
	to := Addr{Node: target, Service: "ping"}
	if _, err := s.WriteTo(nil, to); err != nil {
		return PingResult{Problem: err.Error()}
	}
	timeout := time.NewTimer(PingTimeout)
	defer timeout.Stop()
	wait := pingRepeat
	repeat := time.NewTimer(wait)
	defer repeat.Stop()
	for {
		select {
		case <-s.ready:
			if from := s.whoSent(); from != nil {
				return PingResult{From: from.Node}
			}
		case n := <-notices:
			return PingResult{From: n.from, Problem: n.problem}
		case <-repeat.C:
			if _, err := s.WriteTo(nil, to); err != nil {
				return PingResult{Problem: err.Error()}
			}
			wait *= 2
			repeat.Reset(wait)
		case <-timeout.C:
			return PingResult{Problem: ProblemTimeout}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return PingResult{Problem: ProblemTimeout}
			}
			return PingResult{Problem: ProblemCancelled}
		}
	}
}

// whoSent takes a datagram that is there; nil if there is none.
func (s *Socket) whoSent() *Addr {
	s.reading.Lock()
	defer s.reading.Unlock()
	_, from := s.take(nil)
	return from
}

// PingOver sends one ping to a neighbour over a certain link, whatever the routes
// say, and waits until it is answered or ctx is done. The answer takes the way that
// the neighbour chooses.
func (p *Plane) PingOver(ctx context.Context, link *Queue, neighbour string) error {
	s, err := p.listen("", SocketOptions{Hops: 1, Ring: 4, Impatient: true})
	if err != nil {
		return err
	}
	defer s.Close()
	f := frame.New(wire.HeaderLen)
	wire.Header{
		HopsToLive: 1, From: p.hash, FromService: s.service, To: wire.NodeHash(neighbour), ToService: servicePing,
	}.Put(f.Bytes())
	link.PutControl("", f)
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
