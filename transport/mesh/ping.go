package mesh

import (
	"context"
	"errors"
	"time"

	"receptor/transport/wire"
)

// PingTimeout is how long a ping waits for an answer.
const PingTimeout = 10 * time.Second

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

// Ping sends one datagram to the ping service of target and waits for what comes
// back. It crosses at most hops links. It blocks, at most PingTimeout.
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
		Hops: hops, Ring: 4,
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
	if _, err := s.WriteTo(nil, Addr{Node: target, Service: "ping"}); err != nil {
		return PingResult{Problem: err.Error()}
	}
	timeout := time.NewTimer(PingTimeout)
	defer timeout.Stop()
	for {
		select {
		case <-s.ready:
			_ = s.SetReadDeadline(time.Unix(1, 0)) // read what is there, do not wait
			if _, from, err := s.ReadFrom(nil); err == nil {
				return PingResult{From: from.(*Addr).Node}
			}
		case n := <-notices:
			return PingResult{From: n.from, Problem: n.problem}
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
