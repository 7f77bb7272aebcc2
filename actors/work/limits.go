package work

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// drain stops the node from taking new units, or lets it take them again. It does
// not outlive the process: who starts a node wants it to work.
func (w *work) drain(ctx actor.Context, on bool, access *workv1.Access) {
	if !access.GetTrusted() {
		no := refused(workv1.Code_CODE_DENIED, "only clients on a Unix socket may drain and resume the node")
		ctx.Respond(&workv1.DrainReply{Result: &workv1.DrainReply_Refused{Refused: no}})
		return
	}
	if w.drains != on {
		w.Log.Info().Bool("draining", on).Msg("drain")
	}
	w.drains = on
	ctx.Respond(&workv1.DrainReply{Result: &workv1.DrainReply_Drained{
		Drained: &workv1.Drained{Draining: on, Unfinished: w.Feeds.unfinished()},
	}})
}

// unfinished counts the units that are not final.
func (f *Feeds) unfinished() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := int64(0)
	for _, u := range f.units {
		u.mu.Lock()
		if !unit.State(u.status.GetState()).Final() {
			n++
		}
		u.mu.Unlock()
	}
	return n
}

// room says why there is no room for a new unit; nil if there is.
func (w *work) room(c *workv1.Create) *workv1.Refused {
	if w.drains {
		return refused(workv1.Code_CODE_FAILED, "node is draining: no new work is taken until it is resumed")
	}
	if q := w.terms().queues[c.GetWorkType()]; q != nil {
		if text := q.full(c.GetWorkType()); text != "" {
			return refused(workv1.Code_CODE_FAILED, text)
		}
	}
	if w.terms().MinFreeDisk == 0 {
		return nil
	}
	free, err := w.store.Free()
	if err != nil {
		return refused(workv1.Code_CODE_FAILED, "free disk space can't be told: "+err.Error())
	}
	if free < w.terms().MinFreeDisk {
		text := fmt.Sprintf("not enough free disk space: %d bytes are free, new work needs %d", free, w.terms().MinFreeDisk)
		return refused(workv1.Code_CODE_FAILED, text)
	}
	return nil
}

// slotWanted lets the command of a unit start when it is its turn.
func (w *work) slotWanted(ctx actor.Context, m *workv1.SlotWanted) {
	e, ok := w.units[m.GetUnitId()]
	if !ok {
		return // it was released meanwhile
	}
	if q := w.terms().queues[e.workType]; q != nil {
		w.grant(ctx, q.want(e.id))
	}
}

// freeSlot is called when a unit is final or gone.
func (w *work) freeSlot(ctx actor.Context, e *entry) {
	if q := w.terms().queues[e.workType]; q != nil && !e.remote {
		w.grant(ctx, q.leave(e.id))
	}
}

func (w *work) grant(ctx actor.Context, ids []string) {
	for _, id := range ids {
		if e, ok := w.units[id]; ok && e.pid != nil {
			ctx.Send(e.pid, &workv1.SlotGranted{})
		}
	}
}

const (
	minSweep = 100 * time.Millisecond
	maxSweep = time.Minute
)

// scheduleRetention looks again after a quarter of the shortest retention.
func (w *work) scheduleRetention(ctx actor.Context) {
	shortest := w.terms().RemoteRetention
	for _, t := range w.terms().types {
		if t.Retention > 0 && (shortest == 0 || t.Retention < shortest) {
			shortest = t.Retention
		}
	}
	if shortest == 0 {
		return
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	w.sweep = time.AfterFunc(max(minSweep, min(maxSweep, shortest/4)), func() { root.Send(self, &workv1.RetentionDue{}) })
}

func (w *work) stopRetention() {
	if w.sweep != nil {
		w.sweep.Stop()
	}
}

// retire releases units that have been finished for too long.
func (w *work) retire(ctx actor.Context) {
	w.ages.look()
	for id, e := range w.units {
		keep := w.terms().types[e.workType].Retention
		if e.remote {
			keep = w.terms().RemoteRetention
		}
		if keep == 0 || e.pid != nil || !unit.State(w.Feeds.state(id)).Final() {
			continue
		}
		if time.Since(e.ended) > keep {
			w.tell(ctx, e, envelope{message: &workv1.Release{UnitId: id}})
		}
	}
	w.scheduleRetention(ctx)
}

// state of a unit, or pending.
func (f *Feeds) state(id string) workv1.State {
	u, ok := f.find(id)
	if !ok {
		return workv1.State_STATE_PENDING_UNSPECIFIED
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status.GetState()
}
