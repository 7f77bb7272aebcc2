package inspect

import (
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
)

const (
	// letterPause is how long dead letters of one kind are only counted after one was told.
	letterPause = time.Second
	// maxLetters bounds the kinds that are told apart.
	maxLetters = 256
)

// letters tells the journal of messages to actors that do not exist. A handful of
// them is natural: the timer of an actor that has just ended.
type letters struct {
	journal *events.Journal
	count   atomic.Uint64

	mu    sync.Mutex
	kinds map[letterKind]*letterCount
}

type letterKind struct{ target, sender, kind string }

type letterCount struct {
	told    time.Time
	pending uint64
}

func newLetters(system *actor.ActorSystem, journal *events.Journal) *letters {
	l := &letters{journal: journal, kinds: map[letterKind]*letterCount{}}
	system.EventStream.Subscribe(func(event any) {
		if dead, ok := event.(*actor.DeadLetterEvent); ok {
			l.add(dead, time.Now())
		}
	})
	return l
}

func (l *letters) total() uint64 { return l.count.Load() }

func (l *letters) add(dead *actor.DeadLetterEvent, now time.Time) {
	if natural(dead.Message) {
		return
	}
	l.count.Add(1)
	k := letterKind{target: place(dead.PID), sender: place(dead.Sender), kind: typeName(dead.Message)}
	if dead.Sender == nil {
		k.sender = sentBy()
	}
	if n := l.due(k, now); n > 0 {
		l.journal.Add(&inspectv1.Event{What: &inspectv1.Event_DeadLetter{DeadLetter: &inspectv1.DeadLetter{
			Target: k.target, Sender: k.sender, Type: k.kind, Count: n,
		}}})
	}
}

// due is how many letters of that kind are to be told now; 0 for none yet.
func (l *letters) due(k letterKind, now time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.kinds[k]
	if !known {
		if len(l.kinds) >= maxLetters {
			clear(l.kinds)
		}
		c = &letterCount{}
		l.kinds[k] = c
	}
	c.pending++
	if now.Sub(c.told) < letterPause {
		return 0
	}
	n := c.pending
	c.told, c.pending = now, 0
	return n
}

// natural is what the library itself sends after the end of an actor.
func natural(message any) bool {
	switch message.(type) {
	case *actor.DeadLetterResponse, *actor.Terminated, actor.SystemMessage, actor.AutoReceiveMessage:
		return true
	}
	return false
}

// sentBy is the function that sends the letter which is being told of: the library
// tells of it before the call returns. A message without an answer names no sender.
func sentBy() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		f, more := frames.Next()
		if name, ours := strings.CutPrefix(f.Function, "receptor/"); ours && !strings.HasPrefix(name, "actors/inspect.") {
			return strings.TrimPrefix(name, "actors/")
		}
		if !more {
			return ""
		}
	}
}

// place is the path of an actor; those who only wait for an answer have numbers,
// and are all one.
func place(pid *actor.PID) string {
	name, _, numbered := strings.Cut(pid.GetId(), "$")
	if numbered && name == "future" {
		return name
	}
	return pid.GetId()
}

func typeName(message any) string {
	if m, ok := message.(proto.Message); ok {
		return string(m.ProtoReflect().Descriptor().FullName())
	}
	return strings.TrimPrefix(reflect.TypeOf(message).String(), "*")
}
