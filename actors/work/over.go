package work

import (
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/work/process"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

const (
	// sweepLimit bounds the wait for killed processes to disappear.
	sweepLimit = 5 * time.Second
	sweepPause = 10 * time.Millisecond
)

// runnerOver joins the end of a runner, seen by a goroutine, to its unit.
type runnerOver struct {
	root *actor.RootContext
	unit *actor.PID
	news *workv1.RunnerEnded
	log  zerolog.Logger
	id   process.Identity
	dir  store.Dir
	reap func() error
}

// report tells the unit that no runner is left. If the runner could not record
// the end, what it ran is stopped first: nobody would ever know how it ended. A
// runner of the existing system that was told to stop leaves all but its child.
func (o runnerOver) report() {
	if err := o.reap(); err != nil {
		o.log.Warn().Int("pid", o.id.Pid).Err(err).Msg("runner can't be reaped")
	}
	if r, err := o.dir.Read(); err != nil || !r.State.Final() || unit.Stopped(r) && !o.dir.Ran() {
		o.news.Left = int32(o.sweep()) //nolint:gosec // a number of processes
	}
	o.root.Send(o.unit, o.news)
}

// sweep returns how many processes could not be stopped.
func (o runnerOver) sweep() int {
	deadline := time.Now().Add(sweepLimit)
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	for {
		left, err := process.SignalBelow(o.id, syscall.SIGKILL)
		if err == nil && left == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			o.log.Error().Int("left", left).Int("pid", o.id.Pid).AnErr("err", err).Msg("command of a dead runner can't be stopped")
			return max(left, 1)
		}
		<-tick.C
	}
}
