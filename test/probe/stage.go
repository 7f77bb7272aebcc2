package probe

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	supervisev1 "receptor/proto/supervise/v1"
)

const (
	bubblePatience = 10 * time.Minute // of fake time: longer than any backoff
	livePatience   = 20 * time.Second
	stopPatience   = 9 * time.Second // the library's own limit for a stop is 10 s
)

// Stage is an actor system of its own with one supervising parent.
type Stage struct {
	t        testing.TB
	bubble   bool
	patience time.Duration
	system   *actor.ActorSystem
	parent   *actor.PID
	log      *logbook

	mu        sync.Mutex
	escalated []string
	allowed   bool              // escalations are part of the test
	before    map[string]string // goroutines that were there already
}

// Bubble runs f on a stage with a fake clock. Real sockets and processes do not
// work in it; transport/mem does.
func Bubble(t *testing.T, f func(t *testing.T, s *Stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { play(t, &Stage{bubble: true, patience: bubblePatience}, f) })
}

// Live runs f on a stage in real time.
func Live(t *testing.T, f func(t *testing.T, s *Stage)) {
	t.Helper()
	play(t, &Stage{patience: livePatience, before: goroutines(false)}, f)
}

func play(t *testing.T, s *Stage, f func(t *testing.T, s *Stage)) {
	s.open(t)
	defer s.close()
	f(t, s)
}

func (s *Stage) open(t testing.TB) {
	s.t = t
	s.log = &logbook{t: t}
	s.system = supervise.NewSystem(
		actor.WithDeadLetterRequestLogging(false),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			// The library reports each death at info; the test wants to see its errors.
			return slog.New(zerolog.NewSlogHandler(s.Log().Level(zerolog.WarnLevel)))
		}))
	pid, err := s.system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor {
		return &parent{
			Supervisor: supervise.New(s.Log(), supervise.Backoff{}), stage: s, waiting: map[string][]chan<- error{},
		}
	}), "stage")
	if err != nil {
		t.Fatalf("spawn the stage: %v", err)
	}
	s.parent = pid
}

// close stops everything and looks for what was left behind.
func (s *Stage) close() {
	s.t.Helper()
	stopped := make(chan error, 1)
	future := s.system.Root.StopFuture(s.parent)
	go func() { stopped <- future.Wait() }()
	s.stops(s.parent, stopped)
	s.system.Shutdown()
	s.mu.Lock()
	for _, reason := range s.escalated {
		if !s.allowed {
			s.t.Errorf("escalated to the root: %s", reason)
		}
	}
	s.mu.Unlock()
	for _, line := range s.log.unexpected() {
		s.t.Errorf("logged an error: %s", line)
	}
	if s.bubble {
		// Timers that were set before the end may still send to actors that are gone,
		// and the library counts such letters in a goroutine of its own for a second.
		time.Sleep(leakPatience)
		synctest.Wait()
	}
	noneLeft(s.t, s.bubble, s.before)
}

func (s *Stage) stops(pid *actor.PID, stopped <-chan error) {
	s.t.Helper()
	select {
	case err := <-stopped:
		if err != nil {
			s.t.Errorf("stop %s: %v", pid.GetId(), err)
		}
	case <-time.After(stopPatience):
		s.t.Errorf("%s did not stop within %v", pid.GetId(), stopPatience)
	}
}

// Log is the logger for everything on the stage: lines go to the test's log, and
// an error fails the test.
func (s *Stage) Log() zerolog.Logger { return zerolog.New(s.log) }

// AllowError lets lines at error level pass that contain text.
func (s *Stage) AllowError(text string) { s.log.allow(text) }

// AllowEscalation lets actors break: the test wants to see it.
func (s *Stage) AllowEscalation() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = true
	s.log.allow("broken invariant, escalating")
}

// Escalations are the reasons that reached the root so far.
func (s *Stage) Escalations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.escalated...)
}

func (s *Stage) escalate(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.escalated = append(s.escalated, reason)
}

// System is the actor system of this stage.
func (s *Stage) System() *actor.ActorSystem { return s.system }

// Root is the context for sending from the test's own goroutines.
func (s *Stage) Root() *actor.RootContext { return s.system.Root }

// Spawn starts an actor as a child of the stage.
func (s *Stage) Spawn(spec supervise.Spec) *actor.PID {
	s.t.Helper()
	answer := make(chan spawned, 1)
	s.system.Root.Send(s.parent, &spawn{spec: spec, answer: answer})
	select {
	case got := <-answer:
		if got.err != nil {
			s.t.Fatalf("spawn %s: %v", spec.Name, got.err)
		}
		return got.pid
	case <-time.After(s.patience):
		s.t.Fatalf("spawn %s: the stage did not answer", spec.Name)
		return nil
	}
}

// Stop stops an actor that Spawn started, and waits until its name is free.
func (s *Stage) Stop(pid *actor.PID) {
	s.t.Helper()
	stopped := make(chan error, 1)
	s.system.Root.Send(s.parent, &stop{pid: pid, answer: stopped})
	s.stops(pid, stopped)
}

// Send tells an actor something in nobody's name.
func (s *Stage) Send(pid *actor.PID, m proto.Message) { s.system.Root.Send(pid, m) }

// Ask sends a query or command and waits for the answer.
func (s *Stage) Ask(t testing.TB, pid *actor.PID, m proto.Message) proto.Message {
	t.Helper()
	res, err := s.system.Root.RequestFuture(pid, m, s.patience).Result()
	if err != nil {
		t.Fatalf("%s to %s: %v", m.ProtoReflect().Descriptor().FullName(), pid.GetId(), err)
	}
	answer, ok := res.(proto.Message)
	if !ok {
		t.Fatalf("%s to %s: the answer is no message but %T", m.ProtoReflect().Descriptor().FullName(), pid.GetId(), res)
	}
	return answer
}

// Tree is what the stage's supervisor knows of an actor and all below it.
func (s *Stage) Tree(t testing.TB, pid *actor.PID) *supervisev1.Actor {
	t.Helper()
	tree, _ := s.Ask(t, s.parent, &supervisev1.GetTree{}).(*supervisev1.Tree)
	for _, child := range tree.GetActor().GetChildren() {
		if child.GetPath() == pid.GetId() {
			return child
		}
	}
	return nil
}

// Settle waits until everybody on the stage waits for something. It needs the
// bubble; in real time there is no such moment to find.
func (s *Stage) Settle() {
	s.t.Helper()
	if !s.bubble {
		s.t.Fatal("Settle works in a bubble only")
	}
	synctest.Wait()
}
