package work

import (
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
func (w *work) room(*workv1.Create) *workv1.Refused {
	if w.drains {
		return refused(workv1.Code_CODE_FAILED, "node is draining: no new work is taken until it is resumed")
	}
	return nil
}
