package supervise

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// Describer is an actor that says what it stands for. It is asked between two of
// its messages, so it may look at its state; what it returns belongs to whoever
// asked, and must contain no secret.
type Describer interface {
	Describe() *inspectv1.Description
}

// guardedProps are the props of a child: its mailbox is kept for the record, and
// its last messages are guarded.
func guardedProps(c *child) *actor.Props {
	produce := func() actor.Actor {
		inner := c.spec.New()
		g := guarded{inner, &c.tap, &c.crash}
		strategy, ok := inner.(actor.SupervisorStrategy)
		if c.tap.alone = !ok; ok {
			return &guardedSupervisor{g, strategy}
		}
		return &g
	}
	return actor.PropsFromProducer(produce, actor.WithMailbox(c.tap.mailbox))
}

// guarded survives a panic in the last messages of an actor. The library takes
// such a panic for one more failure and the parent then waits for a child that
// never ends. It also answers Describe, and measures, for all actors alike.
type guarded struct {
	actor.Actor
	tap   *tap
	crash *atomic.Pointer[crash]
}

// crash is where an incarnation failed. Its supervisor reads it.
type crash struct {
	callers []uintptr
	message reflect.Type
}

// guardedSupervisor keeps the inner actor's strategy visible to the library.
type guardedSupervisor struct {
	guarded
	actor.SupervisorStrategy
}

func (g *guarded) Receive(ctx actor.Context) {
	message, last := ctx.Message(), false
	switch message.(type) {
	case *inspectv1.Describe:
		g.tap.queried()
		ctx.Respond(g.describe())
		return
	case *supervisev1.GetTree:
		g.tap.queried()
		defer g.failing(message)
		g.Actor.Receive(ctx)
		return
	case *actor.Stopping:
		last = g.tap.alone // nobody will be there to be told how long its end took
		defer g.stopping(ctx)
	case *actor.Stopped:
		last = true
		defer g.stopping(ctx)
	case *actor.Restarting:
		defer g.stopping(ctx)
	default:
		defer g.failing(message)
	}
	room(message == nil)
	m := g.tap.meter()
	if m != nil {
		if m.Traced() {
			m.Tell(message, ctx.Sender().GetId())
		}
		m.Begin(message)
	}
	g.Actor.Receive(ctx)
	if m != nil && !last {
		m.End()
	}
}

// room grows the stack where that is cheap, if it is about to grow. The library handles
// messages on goroutines with small stacks, and each frame that there is then costs
// more than measuring the message does.
//
//go:noinline
func room(use bool) {
	if use { // never: it is the size of this frame that counts
		var frame [1024]byte
		runtime.KeepAlive(&frame)
	}
}

// stopping ends a panic that comes too late to be a failure.
func (g *guarded) stopping(ctx actor.Context) {
	if r := recover(); r != nil {
		g.tap.failed()
		ctx.Logger().Error("panic while stopping", "actor", ctx.Self().GetId(),
			"err", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

func (g *guarded) describe() *inspectv1.Description {
	if d, ok := g.Actor.(Describer); ok {
		return d.Describe()
	}
	return &inspectv1.Description{}
}

// failing notes where a panic comes from, and lets it go on. A failure that the
// actor declared itself is worth that only to who observes.
func (g *guarded) failing(message any) {
	r := recover()
	if r == nil {
		return
	}
	g.tap.failed()
	if wanted(r, g.tap.by.on()) {
		c := &crash{callers: make([]uintptr, maxStack), message: reflect.TypeOf(message)}
		c.callers = c.callers[:runtime.Callers(ownFrames, c.callers)]
		g.crash.Store(c)
	}
	panic(r)
}

// wanted reports whether the place of a panic is worth noting: a natural end never
// is, a declared failure only to who observes.
func wanted(r any, observed bool) bool {
	var declared *Failure
	if err, ok := r.(error); !ok || !errors.As(err, &declared) {
		return true
	}
	return observed && declared.Cause != CauseDone
}

const (
	// maxStack is how many frames of a stack are kept: the innermost ones.
	maxStack = 24
	// ownFrames are those of taking the stack: Callers, failing, and the panic.
	ownFrames = 3
)

// stack is where it happened, a line for each function and one for its place.
func (c *crash) stack() string {
	var b strings.Builder
	frames := runtime.CallersFrames(c.callers)
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}
