package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// This file is how the inside of a node is asked for. It is no part of the existing
// system; only its own clients ask.

// Tree asks for the actors of this node and their failures.
type Tree struct {
	Path   string // only this one and what is below it; empty: all
	Detail bool   // have them describe themselves
}

// Events asks for what happened after the event of that number, and with Follow for
// what will. The session then belongs to it: each event is a line.
type Events struct {
	After  uint64
	Follow bool
}

// Act asks to have the node do something: Action is the message for node/inspect.
type Act struct{ Action proto.Message }

func (Tree) request()   {}
func (Events) request() {}
func (Act) request()    {}

func lineTree(rest string) (Request, error) {
	if rest != "" {
		return nil, errors.New("tree command does not take parameters")
	}
	return Tree{}, nil
}

func jsonTree(o object) (Request, error) {
	detail, err := o.flag("detail")
	return Tree{Path: o.optional("path"), Detail: detail}, err
}

func lineEvents(rest string) (Request, error) {
	if rest != "" {
		return nil, errors.New("events command does not take parameters")
	}
	return Events{}, nil
}

func jsonEvents(o object) (Request, error) {
	follow, err := o.flag("follow")
	if err != nil {
		return nil, err
	}
	after, err := o.count("after", math.MaxInt64)
	return Events{After: after, Follow: follow}, err
}

// actions is the table of what can be done.
var actions = map[string]func(o object, path string, seconds uint32) (proto.Message, error){
	"restart": func(_ object, path string, _ uint32) (proto.Message, error) {
		return &inspectv1.RestartActor{Path: path}, nil
	},
	"log-level": func(o object, path string, seconds uint32) (proto.Message, error) {
		return &inspectv1.SetLogLevel{Path: path, Level: o.optional("level"), Seconds: seconds}, nil
	},
	"link-down": func(_ object, path string, seconds uint32) (proto.Message, error) {
		return &inspectv1.TakeLinkDown{Neighbour: path, Seconds: seconds}, nil
	},
	"trace": func(o object, path string, seconds uint32) (proto.Message, error) {
		rate, err := o.count("rate", math.MaxUint32)
		return &inspectv1.TraceActor{Path: path, PerSecond: uint32(rate), Seconds: seconds}, err
	},
}

func jsonAct(o object) (Request, error) {
	name, err := o.required("action")
	if err != nil {
		return nil, err
	}
	make, known := actions[name]
	if !known {
		return nil, fmt.Errorf("unknown action %s (known: restart, log-level, link-down, trace)", name)
	}
	path, err := o.required("path")
	if err != nil {
		return nil, err
	}
	seconds, err := o.count("seconds", math.MaxUint32)
	if err != nil {
		return nil, err
	}
	m, err := make(o, path, uint32(seconds))
	return Act{m}, err
}

// flag reads a bool that may be absent.
func (o object) flag(name string) (bool, error) {
	raw, ok := o[name]
	if !ok {
		return false, nil
	}
	var yes bool
	if err := json.Unmarshal(raw, &yes); err != nil {
		return false, fmt.Errorf("field %s must be true or false", name)
	}
	return yes, nil
}

// count reads a number from 0 to most that may be absent.
func (o object) count(name string, most int64) (uint64, error) {
	if _, ok := o[name]; !ok {
		return 0, nil
	}
	n, err := o.offset(name)
	if err == nil && (n < 0 || n > most) {
		err = fmt.Errorf("field %s must be a number from 0 to %d", name, most)
	}
	return uint64(n), err
}

// TreeReply is the answer to Tree.
func TreeReply(t *supervisev1.Tree) []byte { return protoLine(t) }

// EventLine is one line of Events.
func EventLine(e *inspectv1.Event) []byte { return protoLine(e) }

// EventsHead is the first line of Events: the number of the latest event so far.
func EventsHead(last uint64) []byte { return encode(map[string]uint64{"last": last}) }

// ActReply is the answer to Act.
func ActReply(r *inspectv1.ActionReply) []byte {
	if no := r.GetRefused(); no != nil {
		return Error(no.GetText())
	}
	return encode(struct {
		Success bool
		Text    string
	}{true, r.GetDone().GetText()})
}

// Members of a status for who asks for them by name: existing clients print members
// that they do not know.
const (
	memberLinks    = "Links"    // how good they are
	memberLinkTree = "LinkTree" // the actors of the links, and what became of those that are gone
)

// WantsLinks reports whether something is asked for that only the links know.
func (r Status) WantsLinks() bool {
	return slices.Contains(r.Fields, memberLinks) || slices.Contains(r.Fields, memberLinkTree)
}

// Links are the links as a status shows them.
func Links(list []*inspectv1.Link) []json.RawMessage {
	lines := make([]json.RawMessage, 0, len(list))
	for _, l := range list {
		if text, err := protoJSON(l); err == nil {
			lines = append(lines, text)
		}
	}
	return lines
}

// LinkTree is the family of the links as a status shows it; nil if it can't be.
func LinkTree(family *supervisev1.Actor) json.RawMessage {
	text, err := protoJSON(family)
	if err != nil {
		return nil
	}
	return text
}

func protoLine(m proto.Message) []byte {
	text, err := protoJSON(m)
	if err != nil {
		return Error("could not convert response to JSON: " + err.Error())
	}
	return append(text, '\n')
}

func protoJSON(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var line bytes.Buffer // protojson varies its blanks on purpose
	err = json.Compact(&line, text)
	return line.Bytes(), err
}
