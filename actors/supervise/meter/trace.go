package meter

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"receptor/actors/supervise/describe"
	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
)

// Trace tells a journal of the messages that one actor gets. Only the actor's own
// goroutine uses it, once it was given to a meter.
type Trace struct {
	journal   *events.Journal
	path      string
	perSecond uint32
	until     time.Time

	second  time.Time // when this one began
	told    uint32    // in it
	skipped uint64
}

// NewTrace returns a trace that ends by itself after span.
func NewTrace(journal *events.Journal, path string, perSecond uint32, span time.Duration) *Trace {
	return &Trace{journal: journal, path: path, perSecond: perSecond, until: time.Now().Add(span)}
}

// Trace replaces the meter's trace.
func (m *Meter) Trace(t *Trace) { m.trace.Store(t) }

// Traced reports whether somebody wants to be told of messages.
func (m *Meter) Traced() bool { return m.trace.Load() != nil }

// Tell takes a message if there is a trace.
func (m *Meter) Tell(message any, sender string) {
	t := m.trace.Load()
	if t == nil {
		return
	}
	now := time.Now()
	if !now.Before(t.until) {
		m.trace.CompareAndSwap(t, nil)
		return
	}
	t.tell(message, sender, now)
}

func (t *Trace) tell(message any, sender string, now time.Time) {
	if now.Sub(t.second) >= time.Second {
		t.second, t.told = now, 0
	}
	if t.told >= t.perSecond {
		t.skipped++
		return
	}
	t.told++
	e := &inspectv1.MessageTraced{
		Path: t.path, Type: TypeName(reflect.TypeOf(message)), Sender: sender, Skipped: t.skipped,
	}
	if m, ok := message.(proto.Message); ok {
		e.Fields = fields(m.ProtoReflect())
	}
	t.skipped = 0
	t.journal.Add(&inspectv1.Event{What: &inspectv1.Event_MessageTraced{MessageTraced: e}})
}

// readable are the names of the fields whose text is a name, and never something
// that a user or a program wrote. Of all others only the size is told.
var readable = map[protoreflect.Name]bool{
	"node": true, "from": true, "neighbour": true, "path": true, "child": true, "service": true, "unit_id": true,
	"unit": true, "work_type": true, "remote": true, "remote_unit_id": true, "family": true,
}

// maxText bounds the text of a field.
const maxText = 128

// fields are the set fields of a message: numbers, names, sizes.
func fields(m protoreflect.Message) []*inspectv1.Attribute {
	var list []*inspectv1.Attribute
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		list = append(list, field(f, v))
		return true
	})
	return list
}

func field(f protoreflect.FieldDescriptor, v protoreflect.Value) *inspectv1.Attribute {
	name := string(f.Name())
	switch {
	case f.IsMap():
		return describe.Text(name, fmt.Sprintf("%d entries", v.Map().Len()))
	case f.IsList():
		return describe.Text(name, fmt.Sprintf("%d entries", v.List().Len()))
	}
	switch f.Kind() {
	case protoreflect.BoolKind:
		return describe.Flag(name, v.Bool())
	case protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return describe.Text(name, string(e.Name()))
		}
		return describe.Number(name, int64(v.Enum()))
	case protoreflect.StringKind:
		if text := v.String(); readable[f.Name()] && len(text) <= maxText {
			return describe.Text(name, text)
		}
		return describe.Text(name, fmt.Sprintf("%d characters", len(v.String())))
	case protoreflect.BytesKind:
		return describe.Text(name, fmt.Sprintf("%d bytes", len(v.Bytes())))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return describe.Quantity(name, v.Float())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return describe.Text(name, string(f.Message().FullName()))
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return describe.Text(name, strconv.FormatUint(v.Uint(), 10)) // more than a Number holds
	default:
		return describe.Number(name, v.Int())
	}
}
