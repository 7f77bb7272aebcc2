package work

import (
	"github.com/asynkron/protoactor-go/actor"

	workv1 "receptor/proto/work/v1"
)

// repeated answers a request whose unit is here already. A unit that never got
// its payload is released: the one that this request makes takes its place.
func (w *work) repeated(ctx actor.Context, m *workv1.Submit) bool {
	e := w.keys[m.GetKey()]
	switch {
	case m.GetKey() == "" || e == nil:
		return false
	case e.workType != m.GetWorkType():
		no := refused(workv1.Code_CODE_BAD_REQUEST, "submit key belongs to a unit of another type")
		ctx.Respond(&workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: no}})
		return true
	case !e.given:
		delete(w.keys, e.key)
		w.discard(ctx, e)
		return false
	default:
		ctx.Respond(&workv1.SubmitReply{Result: &workv1.SubmitReply_Created{
			Created: &workv1.Created{UnitId: e.id, Exists: true},
		}})
		return true
	}
}

// discard releases a unit of another node that never got its payload. That node asks
// again with the same key if it still wants the unit; if it does not, nobody else
// would release it.
func (w *work) discard(ctx actor.Context, e *entry) {
	if e.key != "" {
		w.tell(ctx, e, envelope{message: &workv1.Release{UnitId: e.id, Force: true}})
	}
}
