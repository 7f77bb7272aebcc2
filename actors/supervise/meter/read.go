package meter

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inspectv1 "receptor/proto/inspect/v1"
)

// Read is what the actor is doing, with so many messages in its mailbox.
func (m *Meter) Read(depth int) *inspectv1.Activity {
	a := &inspectv1.Activity{}
	if depth > 0 {
		a.Oldest = durationpb.New(m.oldest(uint64(depth)))
	}
	now := clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != nil {
		a.Current, a.CurrentSince = TypeName(m.current), timestamppb.New(time.Now().Add(m.since-now))
	}
	if m.due == 0 {
		return a // nothing has come yet
	}
	if m.sum(); now >= m.due {
		m.rotate(now)
	}
	a.Messages, a.MessagesPerSecond = m.sums.handled, m.sums.rate(now)
	byTime := slices.SortedFunc(slices.Values(m.sums.types), func(a, b handling) int { return cmp.Compare(b.total, a.total) })
	for i := range byTime {
		a.Handling = append(a.Handling, byTime[i].read())
	}
	return a
}

// Current is the type of the message that is being handled; empty between two.
func (m *Meter) Current() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == nil {
		return ""
	}
	return TypeName(m.current)
}

func (h *handling) read() *inspectv1.Handling {
	return &inspectv1.Handling{
		Type: h.name(), Count: h.count, Total: durationpb.New(h.total),
		P50: durationpb.New(h.quantile(0.5)), P99: durationpb.New(h.quantile(0.99)), Max: durationpb.New(h.max),
	}
}

func (h *handling) name() string {
	if h.kind == nil {
		return "other"
	}
	return TypeName(h.kind)
}

// TypeName is the name of a type of messages: links.v1.SendFrame, actor.Started.
func TypeName(kind reflect.Type) string {
	if kind == nil {
		return "nil"
	}
	if kind.Kind() == reflect.Pointer {
		if m, ok := reflect.Zero(kind).Interface().(proto.Message); ok {
			return string(m.ProtoReflect().Descriptor().FullName())
		}
		kind = kind.Elem()
	}
	return kind.String()
}
