package links

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	"receptor/transport/mesh"
)

// proofTime is how long a neighbour may take to answer when another connection has
// come in its name.
const proofTime = 3 * time.Second

var errReplaced = errors.New("the neighbour does not answer here, and has come by another connection")

// prove asks the neighbour for a sign of life, over one hop. A killed neighbour that
// comes back over UDP, or behind a path that is dead, would otherwise be refused
// until this link is found to be idle.
func (l *link) prove() {
	if l.unproven != nil || !l.shake.Established() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	l.unproven = cancel
	out, plane, node := l.sink, l.cfg.plane, l.shake.Node()
	go func() {
		defer cancel()
		// Any other answer than silence says that somebody is there, or proves nothing.
		out.Proved(plane.Ping(ctx, node, 1).Problem == mesh.ProblemTimeout)
	}()
}

func (l *link) proved(ctx actor.Context, m *linksv1.Proved) {
	l.unproven = nil
	if m.GetDead() && l.shake.Established() {
		l.fail(ctx, supervise.CauseIdle, errReplaced)
	}
}

// leaveUnproven ends a proof that nobody waits for any more.
func (l *link) leaveUnproven() {
	if l.unproven != nil {
		l.unproven()
	}
}
