package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	servicesv1 "receptor/proto/services/v1"
	"receptor/transport/frame"
)

// redialPause is how long an association that got no socket drops datagrams before
// another one may try.
const redialPause = time.Second

// shore is the socket that all clients of a datagram proxy send to.
type shore interface {
	receive(b []byte) (int, peer, error)
	answer(b []byte, to peer) error
	Close() error
}

// receiver is the intake of datagrams: a socket and the goroutine that reads it
// for all clients.
//
//	         ┌► outbox ► association ► far socket ┐
//	shore ───┤                                    ├──► target
//	         └► outbox ► association ► far socket ┘
//	shore ◄─────────── association ◄──────────────────
type receiver struct {
	near    shore
	dial    func(ctx context.Context, t *troubles) (io.ReadWriteCloser, error) // one far socket
	maxIdle time.Duration
	out     proxySink
	table   *associations
	trouble *troubles
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{} // closed when the loop has ended
}

func (r *receiver) start() { go r.run() }

func (r *receiver) run() {
	defer close(r.done)
	buf := make([]byte, frame.MaxLen)
	for {
		n, from, err := r.near.receive(buf)
		switch {
		case r.ctx.Err() != nil:
			return
		case err == nil:
			r.deliver(from, buf[:n])
		case !passing(err):
			r.out.lost(err)
			return
		case !pause(r.ctx, acceptPause):
			return
		}
	}
}

func (r *receiver) deliver(from peer, b []byte) {
	fresh, ok := r.table.deliver(from, b)
	if !ok {
		r.trouble.full(r.table.max)
		return
	}
	if fresh != nil {
		r.trouble.crowded.over()
		r.out.appeared(fresh.id)
	}
}

// take hands an association over to its actor.
func (r *receiver) take(id uint64) guest {
	a := r.table.take(id)
	return guest{
		name: fmt.Sprintf("%s#%d", strings.ReplaceAll(a.peer.String(), "/", "_"), id), kind: "association",
		addr:  a.peer.String(),
		serve: func(ctx context.Context) (servicesv1.End, error) { return r.serve(ctx, a) },
	}
}

// left has nothing to free: an association leaves the table by itself.
func (r *receiver) left() {}

func (r *receiver) stop() error {
	r.cancel()
	err := r.near.Close()
	<-r.done
	r.table.close()
	return err
}

// serve carries the datagrams of one association until it was idle for long.
func (r *receiver) serve(ctx context.Context, a *association) (servicesv1.End, error) {
	defer r.table.remove(a)
	far, err := r.dial(ctx, r.trouble)
	if err != nil {
		r.trouble.failed(err)
		pause(ctx, redialPause)
		return servicesv1.End_END_LOST, err
	}
	ctx, over := context.WithCancelCause(ctx)
	defer over(nil)
	interrupt := context.AfterFunc(ctx, func() { _ = far.Close() }) // also wakes who waits for a link
	defer interrupt()
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		over(r.answers(far, a))
	}()
	end, why := r.requests(ctx, far, a)
	if err := far.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		why = errors.Join(why, err)
	}
	<-answers
	return end, why
}

var errEvicted = errors.New("silent for longest while others came")

// requests sends what the peer sent.
func (r *receiver) requests(ctx context.Context, far io.Writer, a *association) (servicesv1.End, error) {
	idle := time.NewTimer(r.maxIdle)
	defer idle.Stop()
	for {
		select {
		case f := <-a.waiting.frames:
			a.waiting.took(f)
			if err := send(far, f.Bytes()); err != nil {
				r.trouble.failed(err)
			}
			f.Free()
		case <-idle.C:
			left := r.table.expire(a, r.maxIdle)
			if left <= 0 {
				return servicesv1.End_END_CLOSED, fmt.Errorf("idle for %v", r.maxIdle)
			}
			idle.Reset(left)
		case <-a.evicted:
			return servicesv1.End_END_CLOSED, errEvicted
		case <-ctx.Done():
			return servicesv1.End_END_LOST, context.Cause(ctx)
		}
	}
}

// send tries once more if the error may belong to a datagram before: the kernel tells
// of a refusal at the next call, and does not send then.
func send(far io.Writer, b []byte) error {
	_, err := far.Write(b)
	if refused(err) {
		if _, again := far.Write(b); again != nil {
			return again
		}
	}
	return err
}

// refused reports an error by which the kernel passes on what a host or firewall on
// the way said of a datagram that was sent before. The socket is as good as ever.
func refused(err error) bool {
	return slices.ContainsFunc([]error{
		unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENONET,
		unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EACCES, unix.EPROTO, unix.EMSGSIZE,
	}, func(e error) bool { return errors.Is(err, e) })
}

// answers sends back what the target sent. A refusal is told and not the end: the
// target may be started later.
func (r *receiver) answers(far io.Reader, a *association) error {
	buf := make([]byte, frame.MaxLen)
	for {
		n, err := far.Read(buf)
		switch {
		case refused(err):
			r.trouble.failed(err)
			continue
		case err != nil:
			return err
		}
		r.table.touch(a)
		err = r.near.answer(buf[:n], a.peer)
		switch {
		case err == nil:
			r.trouble.lost.over()
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			r.trouble.failed(fmt.Errorf("answer to %s: %w", a.peer, err))
		}
	}
}
