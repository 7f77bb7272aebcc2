package router

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	routerv1 "receptor/proto/router/v1"
)

// job is work that is asked for in bursts. It runs at once when it has not run for
// a gap, and otherwise once at the end of that gap.
type job struct {
	kind  routerv1.Job
	gap   time.Duration
	run   func(actor.Context)
	ready time.Time   // end of the gap
	due   time.Time   // of the timer
	timer *time.Timer // nil unless a run is due
}

// request runs the job, now or as soon as the gap allows.
func (j *job) request(ctx actor.Context) { j.within(ctx, 0) }

// within sees to it that the job runs before d has passed, or at the end of the gap.
func (j *job) within(ctx actor.Context, d time.Duration) {
	now := time.Now()
	due := now.Add(d)
	if due.Before(j.ready) {
		due = j.ready
	}
	if j.timer != nil {
		if !due.Before(j.due) {
			return
		}
		j.timer.Stop()
	}
	if !due.After(now) {
		j.now(ctx)
		return
	}
	j.due, j.timer = due, after(ctx, due.Sub(now), j.kind)
}

// tick is the timer. One that was replaced may still come.
func (j *job) tick(ctx actor.Context) {
	if j.timer != nil && !time.Now().Before(j.due) {
		j.now(ctx)
	}
}

// now runs the job and starts a new gap.
func (j *job) now(ctx actor.Context) {
	j.stop()
	j.ready = time.Now().Add(j.gap)
	j.run(ctx)
}

// waiting reports whether a run is due and not yet there.
func (j *job) waiting() bool { return j.timer != nil }

func (j *job) stop() {
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
}

// after sends the router a tick.
func after(ctx actor.Context, d time.Duration, kind routerv1.Job) *time.Timer {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	return time.AfterFunc(d, func() { root.Send(self, &routerv1.Tick{Job: kind}) })
}
