package work

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"

	"receptor/actors/work/peer"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

const (
	// pollEvery is how often nodes are asked that can't push.
	pollEvery = time.Second
	// endGrace is how long the stream of results may stay open although all was
	// received: nodes of the existing system never end those of canceled units.
	endGrace    = 2 * time.Second
	cancelGrace = 200 * time.Millisecond
	// shortTries is how often missing output is asked for in vain before the
	// unit fails.
	shortTries = 3
	// restAfter is how long a stream of results may carry nothing.
	restAfter  = 15 * time.Second
	shortPause = 500 * time.Millisecond
)

// follow copies state and output until the unit is final and all output is here.
func (s *session) follow(ctx context.Context, id string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := &progress{final: make(chan peer.Status, 1), grown: make(chan struct{}, 1)}
	ended := make(chan error, 2)
	go func() { ended <- s.followStatus(ctx, id, p) }()
	go func() { ended <- s.followOutput(ctx, id, p) }()
	var first error
	for range 2 {
		if err := <-ended; err != nil && first == nil {
			first = err
			stop()
		}
	}
	return first
}

// progress is what the state of a unit says about its output.
type progress struct {
	final chan peer.Status // the final state, once
	grown chan struct{}    // more was announced
	size  atomic.Int64     // announced so far
}

// unannounced is the size of an output of which nobody will say that it grows.
const unannounced = math.MaxInt64

func (p *progress) announce(size int64) {
	p.size.Store(size)
	select {
	case p.grown <- struct{}{}:
	default:
	}
}

// followStatus follows the state on the stream that all units on that node share.
// Nodes that have no such thing are followed on a stream of the unit's own, which
// says nothing of growing output.
func (s *session) followStatus(ctx context.Context, id string, p *progress) error {
	each := s.takeStatus(ctx, p)
	key := farKey{s.task.GetNode(), s.task.GetTlsClient()}
	err := s.far.follow(ctx, key, id, func(now peer.Status) error {
		p.announce(now.StdoutSize)
		return each(now)
	})
	if !errors.Is(err, errOldPeer) {
		return err
	}
	p.announce(unannounced)
	far, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer far.Close()
	return far.Follow(id, pollEvery, each)
}

// takeStatus tells the unit what is new to it.
func (s *session) takeStatus(ctx context.Context, p *progress) func(peer.Status) error {
	last := peer.Status{State: -1}
	return func(now peer.Status) error {
		if now.State == last.State && now.Detail == last.Detail {
			return nil // how much output there is, is seen from the output
		}
		last = now
		err := s.tell.noted(ctx, remoteState(&workv1.RemoteState{
			State: workv1.State(now.State), Detail: now.Detail, StdoutSize: now.StdoutSize,
		}))
		if err == nil && now.State.Final() {
			p.final <- now
		}
		return err
	}
}

// output is the copying of one unit's output.
type output struct {
	*session
	*progress
	remote string       // ID of the unit there
	end    *peer.Status // its final state; nil until known
}

func (s *session) followOutput(ctx context.Context, id string, p *progress) error {
	o := &output{session: s, remote: id, progress: p}
	for tries := 0; ; {
		before := s.dir.OutputSize()
		if err := o.await(ctx, before); err != nil {
			return err
		}
		if o.end == nil || before < o.end.StdoutSize {
			if err := o.fetch(ctx); err != nil {
				return err
			}
		}
		if o.end == nil {
			continue // the stream broke off; the rest is asked for anew
		}
		size := s.dir.OutputSize()
		if size >= o.end.StdoutSize {
			return o.copied(ctx, size)
		}
		if tries++; size > before {
			tries = 0
		}
		if tries >= shortTries {
			return o.copied(ctx, size)
		}
		select {
		case <-time.After(shortPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await waits until there is more output, or will not be.
func (o *output) await(ctx context.Context, have int64) error {
	for o.end == nil && o.size.Load() <= have {
		select {
		case <-o.grown:
		case s := <-o.progress.final:
			o.end = &s
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (o *output) copied(ctx context.Context, size int64) error {
	if err := o.dir.SyncOutput(); err != nil {
		return outputError{err}
	}
	return o.tell.noted(ctx, outputCopied(size, o.end.StdoutSize))
}

// fetch copies one stream of results to its end. The final state comes a moment
// before or after that end, or the stream broke off and final stays nil.
func (o *output) fetch(ctx context.Context) error {
	streamCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.stream(streamCtx) }()
	var brokenOff <-chan time.Time
	grace := o.endGrace()
	rest := o.resting()
	defer rest.Stop()
	before := o.dir.OutputSize()
	for open := true; open || o.end == nil; {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			open = false
			brokenOff = time.After(shortPause)
		case <-brokenOff:
			return nil
		case <-rest.C:
			if size := o.dir.OutputSize(); size > before || !open || o.end != nil {
				before = size
				continue
			}
			stop() // news of more output will come; until then the stream costs for nothing
			return o.left(<-ended)
		case s := <-o.progress.final:
			o.end = &s
			grace = time.After(graceOf(s.State))
		case <-grace:
			grace = time.After(endGrace)
			if !open || o.dir.OutputSize() < o.end.StdoutSize {
				continue
			}
			stop()
			return o.left(<-ended)
		case <-ctx.Done():
			if !open {
				return ctx.Err()
			}
			stop()
			return errors.Join(ctx.Err(), o.left(<-ended))
		}
	}
	return nil
}

// endGrace is running already if the final state is known.
func (o *output) endGrace() <-chan time.Time {
	if o.end == nil {
		return nil
	}
	return time.After(endGrace)
}

// graceOf is how long a stream of results may stay open after a final state.
func graceOf(s unit.State) time.Duration {
	if s == unit.Canceled {
		return cancelGrace
	}
	return endGrace
}

// resting ticks for streams that may rest.
func (o *output) resting() *time.Ticker {
	t := time.NewTicker(restAfter)
	if o.size.Load() == unannounced {
		t.Stop()
	}
	return t
}

// left is what came of a stream that we ended: only the local disk is to blame.
func (o *output) left(err error) error {
	var disk outputError
	if errors.As(err, &disk) {
		return err
	}
	return nil
}

// stream appends one stream of results to the local file.
func (o *output) stream(ctx context.Context) error {
	far, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer far.Close()
	file, err := os.OpenFile(o.dir.Stdout(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return outputError{err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return outputError{err}
	}
	w := &appender{file: file}
	if f, ok := o.feeds.find(o.id); ok {
		w.feed = f
	}
	err = far.Results(o.remote, info.Size(), w)
	var refused *peer.RefusedError
	if errors.As(err, &refused) {
		return fmt.Errorf("results of remote unit %s: %w", o.remote, err)
	}
	return err
}

// appender appends to the output file and wakes its readers.
type appender struct {
	file *os.File
	feed *feed
}

func (a *appender) Write(p []byte) (int, error) {
	n, err := a.file.Write(p)
	if n > 0 && a.feed != nil {
		a.feed.grew()
	}
	if err != nil {
		err = outputError{err}
	}
	return n, err
}
