package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"receptor/actors/supervise/cut"
	"receptor/cli/receptorctl/client"
	inspectv1 "receptor/proto/inspect/v1"
)

const eventsDescription = `Shows what happened on the node: links up and down, failures and restarts of actors,
nodes that come into reach and go, states of units, certificates that expire, messages
nobody takes, reloads, and what operators did. The node remembers about 2000 events.

` + insideNote

func (t *tool) eventsCommand() *cli.Command {
	return &cli.Command{
		Name: "events", Usage: "Show what happened on the node.", Description: eventsDescription,
		Flags: insideFlags(
			toggle("follow", "f", "go on with what happens"),
			&cli.Uint64Flag{Name: "after", Usage: "only events after the one of this `NUMBER`"},
		),
		Action: t.events,
	}
}

func (t *tool) events(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	return t.followEvents(c, c.Uint64("after"), c.Bool("follow"), func(e *inspectv1.Event, raw json.RawMessage) error {
		if c.Bool("json") {
			return t.printWhole(string(raw) + "\n")
		}
		return t.printWhole(eventText(e) + "\n")
	})
}

// followEvents calls each with every event. An interrupt ends it without an error.
func (t *tool) followEvents(c *cli.Context, after uint64, follow bool, each func(*inspectv1.Event, json.RawMessage) error) error {
	s, err := t.openAt(c.Context, c.String("node"), c.String("tls-client"))
	if err != nil {
		return err
	}
	defer s.Close()
	err = eventsOn(s, after, follow, each)
	if c.Context.Err() != nil {
		return nil
	}
	return unseen(err)
}

func eventsOn(s *client.Session, after uint64, follow bool, each func(*inspectv1.Event, json.RawMessage) error) error {
	line, err := question{"command": "events", "after": after, "follow": follow}.line()
	if err != nil {
		return err
	}
	return s.Follow(line, func(raw json.RawMessage) error {
		e := &inspectv1.Event{}
		if err := readProto(raw, e); err != nil {
			return err
		}
		if e.GetSequence() == 0 {
			return nil // the head, or a line that keeps the connection alive
		}
		return each(e, raw)
	})
}

// eventText is one line: when, what, and the facts. Long names are cut, one by one.
func eventText(e *inspectv1.Event) string {
	words := []string{e.GetTime().AsTime().Local().Format("2006-01-02 15:04:05.000")}
	m := e.ProtoReflect()
	what := m.WhichOneof(m.Descriptor().Oneofs().ByName("what"))
	if what == nil {
		return strings.Join(append(words, "something that this receptorctl does not know"), " ")
	}
	words = append(words, strings.ReplaceAll(string(what.Name()), "_", " "))
	fields := m.Get(what).Message()
	descriptors := fields.Descriptor().Fields()
	for i := range descriptors.Len() {
		if f := descriptors.Get(i); fields.Has(f) {
			words = append(words, fmt.Sprintf("%s=%s", f.Name(), factText(f, fields.Get(f))))
		}
	}
	return strings.Join(words, " ")
}

// factText is a fact as a log shows it: in quotes if it has spaces.
func factText(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	var text string
	switch {
	case f.IsList() && f.Kind() == protoreflect.MessageKind:
		var parts []string
		for i := range v.List().Len() {
			if a, ok := v.List().Get(i).Message().Interface().(*inspectv1.Attribute); ok {
				parts = append(parts, cut.Word(a.GetName()+":"+attributeText(a)))
			}
		}
		text = strings.Join(parts, ",")
	case f.IsList():
		var parts []string
		for i := range v.List().Len() {
			parts = append(parts, cut.Word(v.List().Get(i).String()))
		}
		text = strings.Join(parts, ",")
	case f.Kind() == protoreflect.EnumKind:
		name := string(f.Enum().Values().ByNumber(v.Enum()).Name())
		text = strings.ToLower(name[strings.IndexByte(name, '_')+1:])
	case f.Kind() == protoreflect.MessageKind:
		if at, ok := v.Message().Interface().(interface{ AsTime() time.Time }); ok {
			text = at.AsTime().Local().Format(time.DateTime)
			break
		}
		text = cut.Text(v.String())
	default:
		text = cut.Text(v.String())
	}
	if text == "" || strings.ContainsAny(text, " \t\n\"") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

func protoText(m proto.Message) (json.RawMessage, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
}
