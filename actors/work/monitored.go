package work

import (
	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/work/unit"
)

// monitored is what units have in common whose work is done elsewhere: a monitor that
// does one task at a time there. Its methods belong to the unit's Receive.
type monitored struct {
	*supervise.Supervisor
	unitBase
	monitor  *actor.PID
	again    bool   // start a monitor when the present one has stopped
	task     uint64 // counts tasks; reports of others are old
	current  uint64 // the task that may report, 0 for none
	stopping bool
}

func newMonitored(cfg unitConfig) monitored {
	return monitored{Supervisor: supervise.New(cfg.Log, monitorBackoff), unitBase: newUnitBase(cfg)}
}

// act does the actions that are the same for all of these units.
func (u *monitored) act(ctx actor.Context, a unit.Action) {
	switch a.Do {
	case unit.Connect:
		u.connect(ctx)
	case unit.Disconnect:
		u.disconnect(ctx)
	default:
		u.unitBase.act(ctx, a)
	}
}

// connect gives the monitor a new task. A living one is stopped first, even if
// it waits for its restart: the new one tries at once.
func (u *monitored) connect(ctx actor.Context) {
	if u.monitor != nil {
		u.disconnect(ctx)
		u.again = true
		return
	}
	pid, err := u.Spawn(ctx, supervise.Spec{
		Name: "monitor", Kind: "monitor", New: newMonitor(u.unitConfig, u.dir), Backoff: monitorBackoff, Transient: true,
	})
	if err != nil {
		panic(err) // two monitors for one unit
	}
	u.monitor = pid
}

// disconnect stops the monitor and believes nothing it still says.
func (u *monitored) disconnect(ctx actor.Context) {
	u.current, u.again = 0, false
	if u.monitor != nil {
		ctx.Stop(u.monitor)
	}
}

// ended takes note that the monitor has stopped, and starts another one if that was
// wanted or work is left. It reports whether the monitor it was.
func (u *monitored) ended(ctx actor.Context, who *actor.PID, left bool) bool {
	if u.monitor == nil || !u.monitor.Equal(who) {
		return false
	}
	again := u.again || left
	u.monitor, u.again = nil, false
	if again && !u.gone && !u.stopping {
		u.connect(ctx)
	}
	return true
}

// number gives the task of a new incarnation of the monitor its number; 0 for a
// monitor that is being stopped.
func (u *monitored) number(who *actor.PID) uint64 {
	if u.monitor == nil || !u.monitor.Equal(who) || u.again {
		return 0
	}
	u.task++
	u.current = u.task
	return u.task
}
