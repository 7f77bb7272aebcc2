package work

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/work/kube"
	"receptor/actors/work/sign"
	"receptor/actors/work/unit"
	supervisev1 "receptor/proto/supervise/v1"
)

// terms are Terms made ready for use. They never change: a queue is shared by those
// before and those after, everything else is new.
type terms struct {
	Terms
	types    map[string]CommandType
	queues   map[string]*queue // of types with a limit
	signer   *sign.Signer
	verifier *sign.Verifier
	clusters *kube.Clients
}

// newTerms takes the queues over from the terms before; nil for none.
func newTerms(set Terms, before *terms, log zerolog.Logger) *terms {
	t := &terms{
		Terms: set, types: map[string]CommandType{}, queues: map[string]*queue{},
		signer:   &sign.Signer{PrivateKeyFile: set.SigningKey.PrivateKeyFile, Expiration: set.SigningKey.Expiration},
		verifier: &sign.Verifier{PublicKeyFile: set.VerifyKey.PublicKeyFile, Tolerance: set.VerifyKey.Tolerance},
	}
	for _, c := range set.Types {
		t.types[c.Type] = c
	}
	t.pythonTypes()
	t.kubeTypes(log)
	if before != nil && before.KubeClients == set.KubeClients {
		t.clusters = before.clusters
	}
	for name, c := range t.types {
		if before != nil && before.queues[name] != nil {
			t.queues[name] = before.queues[name] // also without a limit: units wait in it
		} else if c.MaxConcurrent > 0 {
			t.queues[name] = newQueue(c.Limits)
		}
	}
	return t
}

// reconcile puts other terms in force. Units that run go on; those that wait for
// their turn get it if there is room now, or if their type has gone: they fail then.
func (w *work) reconcile(ctx actor.Context) {
	before := w.terms()
	now := newTerms(w.Live.Load(), before, w.Log)
	w.current.Store(now)
	for name, q := range before.queues {
		w.grant(ctx, q.limit(now.types[name].Limits))
	}
	for name, q := range now.queues {
		if before.queues[name] == nil {
			q.resume(w.running(name), nil)
		}
	}
	w.stopRetention()
	w.scheduleRetention(ctx)
	w.startSweeper(ctx)
	if ctx.Sender() != nil {
		ctx.Respond(&supervisev1.Reconciled{})
	}
}

// running are the local units of a type that have not ended.
func (w *work) running(workType string) []string {
	var ids []string
	for id, e := range w.units {
		if !e.remote && e.given && e.workType == workType && !unit.State(w.Feeds.state(id)).Final() {
			ids = append(ids, id)
		}
	}
	return ids
}
