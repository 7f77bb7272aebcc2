package work

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	shortPause = 500 * time.Millisecond
)

// follow copies state and output until the unit is final and all output is here.
func (s *session) follow(ctx context.Context, id string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	final := make(chan peer.Status, 1)
	ended := make(chan error, 2)
	go func() { ended <- s.followStatus(ctx, id, final) }()
	go func() { ended <- s.followOutput(ctx, id, final) }()
	var first error
	for range 2 {
		if err := <-ended; err != nil && first == nil {
			first = err
			stop()
		}
	}
	return first
}

func (s *session) followStatus(ctx context.Context, id string, final chan<- peer.Status) error {
	far, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer far.Close()
	var last peer.Status
	return far.Follow(id, pollEvery, func(now peer.Status) error {
		if now == last && !now.State.Final() {
			return nil
		}
		last = now
		err := s.tell.noted(ctx, remoteState(&workv1.RemoteState{
			State: workv1.State(now.State), Detail: now.Detail, StdoutSize: now.StdoutSize,
		}))
		if err == nil && now.State.Final() {
			final <- now
		}
		return err
	})
}

// output is the copying of one unit's output.
type output struct {
	*session
	remote string             // ID of the unit there
	news   <-chan peer.Status // its final state, once
	final  *peer.Status       // nil until known
}

func (s *session) followOutput(ctx context.Context, id string, news <-chan peer.Status) error {
	o := &output{session: s, remote: id, news: news}
	for tries := 0; ; {
		before := s.dir.OutputSize()
		if err := o.fetch(ctx); err != nil {
			return err
		}
		if o.final == nil {
			continue // the stream broke off; the rest is asked for anew
		}
		size := s.dir.OutputSize()
		if size >= o.final.StdoutSize {
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

func (o *output) copied(ctx context.Context, size int64) error {
	if err := o.dir.SyncOutput(); err != nil {
		return outputError{err}
	}
	return o.tell.noted(ctx, outputCopied(size, o.final.StdoutSize))
}

// fetch copies one stream of results to its end. The final state comes a moment
// before or after that end, or the stream broke off and final stays nil.
func (o *output) fetch(ctx context.Context) error {
	streamCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.stream(streamCtx) }()
	var grace, brokenOff <-chan time.Time
	for open := true; open || o.final == nil; {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			open = false
			brokenOff = time.After(shortPause)
		case <-brokenOff:
			return nil
		case s := <-o.news:
			o.final = &s
			grace = time.After(endGrace)
			if s.State == unit.Canceled {
				grace = time.After(cancelGrace)
			}
		case <-grace:
			grace = time.After(endGrace)
			if !open || o.dir.OutputSize() < o.final.StdoutSize {
				continue
			}
			stop()
			return o.left(<-ended)
		case <-ctx.Done():
			stop()
			if open {
				return errors.Join(ctx.Err(), o.left(<-ended))
			}
			return ctx.Err()
		}
	}
	return nil
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
