package probe

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
)

// inboxSize bounds what a probe keeps; a test that needs more asks too late.
const inboxSize = 4096

// Probe is an actor that keeps what it is sent until the test asks for it.
type Probe struct {
	PID   *actor.PID
	stage *Stage
	inbox chan received

	mu      sync.Mutex
	ignored map[reflect.Type]bool
	answers map[reflect.Type]func(proto.Message) proto.Message
	sender  *actor.PID // of the message that was looked at last
}

type received struct {
	message proto.Message
	sender  *actor.PID
}

// watch and request are calls of the test to its probe.
type (
	watch   struct{ who *actor.PID }
	request struct {
		to      *actor.PID
		message proto.Message
	}
)

// Probe starts a probe.
func (s *Stage) Probe() *Probe {
	s.t.Helper()
	p := &Probe{
		stage: s, inbox: make(chan received, inboxSize), ignored: map[reflect.Type]bool{},
		answers: map[reflect.Type]func(proto.Message) proto.Message{},
	}
	name := "probe" + s.system.ProcessRegistry.NextID()
	p.PID = s.Spawn(supervise.Spec{Name: name, Kind: "probe", New: func() actor.Actor {
		return actor.ReceiveFunc(p.receive)
	}})
	return p
}

func (p *Probe) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *watch:
		ctx.Watch(m.who)
	case *request:
		ctx.Request(m.to, m.message)
	case *actor.Terminated:
		p.keep(ctx, m)
	case actor.SystemMessage, actor.AutoReceiveMessage:
	case *actor.DeadLetterResponse: // an answer came too late; actors take no notice either
	case proto.Message:
		p.keep(ctx, m)
	default:
		p.stage.t.Errorf("%s was sent something that is no message: %T", p.PID.GetId(), m)
	}
}

func (p *Probe) keep(ctx actor.Context, m proto.Message) {
	p.mu.Lock()
	ignored, answer := p.ignored[reflect.TypeOf(m)], p.answers[reflect.TypeOf(m)]
	p.mu.Unlock()
	if answer != nil {
		ctx.Respond(answer(m))
		return
	}
	if ignored {
		return
	}
	select {
	case p.inbox <- received{m, ctx.Sender()}:
	default:
		p.stage.t.Errorf("%s: more than %d messages nobody asked for", p.PID.GetId(), inboxSize)
	}
}

// Ignore drops messages of these types from now on.
func (p *Probe) Ignore(types ...proto.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range types {
		p.ignored[reflect.TypeOf(m)] = true
	}
}

// Answer answers each message of this type by itself instead of keeping it.
func (p *Probe) Answer(kind proto.Message, answer func(proto.Message) proto.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[reflect.TypeOf(kind)] = answer
}

// Watch asks to be told when an actor ends: *actor.Terminated arrives.
func (p *Probe) Watch(who *actor.PID) { p.stage.system.Root.Send(p.PID, &watch{who}) }

// Send sends in the probe's name: answers come to it.
func (p *Probe) Send(to *actor.PID, m proto.Message) {
	p.stage.system.Root.Send(p.PID, &request{to, m})
}

// Sender is who sent the message that was looked at last.
func (p *Probe) Sender() *actor.PID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sender
}

// Reply sends to the sender of the message that was looked at last.
func (p *Probe) Reply(m proto.Message) { p.Send(p.Sender(), m) }

// Next waits for the next message.
func (p *Probe) Next(t testing.TB) proto.Message {
	t.Helper()
	select {
	case r := <-p.inbox:
		return p.look(r)
	case <-time.After(p.stage.patience):
		t.Fatalf("%s: no message within %v", p.PID.GetId(), p.stage.patience)
		return nil
	}
}

func (p *Probe) look(r received) proto.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sender = r.sender
	return r.message
}

// Expect waits for the next message, which must be equal to want.
func (p *Probe) Expect(t testing.TB, want proto.Message) {
	t.Helper()
	if got := p.Next(t); !proto.Equal(got, want) {
		t.Fatalf("%s got another message\n got %s\nwant %s", p.PID.GetId(), show(got), show(want))
	}
}

// ExpectNothing fails when something arrived or arrives before everybody waits.
// It needs the bubble.
func (p *Probe) ExpectNothing(t testing.TB) {
	t.Helper()
	if !p.stage.bubble {
		t.Fatal("ExpectNothing works in a bubble only")
	}
	synctest.Wait()
	select {
	case r := <-p.inbox:
		t.Fatalf("%s expected nothing\n got %s", p.PID.GetId(), show(p.look(r)))
	default:
	}
}

// Drain forgets what has arrived so far and says how much that was.
func (p *Probe) Drain() int {
	for n := 0; ; n++ {
		select {
		case <-p.inbox:
		default:
			return n
		}
	}
}

// ExpectType waits for the next message, which must be of type T.
func ExpectType[T proto.Message](t testing.TB, p *Probe) T {
	t.Helper()
	got := p.Next(t)
	m, ok := got.(T)
	if !ok {
		t.Fatalf("%s got another message\n got %s\nwant a %T", p.PID.GetId(), show(got), m)
	}
	return m
}

// Await waits for a message of type T for which ok holds, and passes over all others.
func Await[T proto.Message](t testing.TB, p *Probe, ok func(T) bool) T {
	t.Helper()
	deadline := time.After(p.stage.patience)
	var passed []string
	for {
		select {
		case r := <-p.inbox:
			m, is := p.look(r).(T)
			if is && ok(m) {
				return m
			}
			passed = append(passed, show(r.message))
		case <-deadline:
			var want T
			t.Fatalf("%s: no such %T within %v; passed over %q", p.PID.GetId(), want, p.stage.patience, passed)
			return want
		}
	}
}

func show(m proto.Message) string {
	text := prototext.MarshalOptions{AllowPartial: true}.Format(m)
	return fmt.Sprintf("%s{%s}", m.ProtoReflect().Descriptor().FullName(), text)
}
