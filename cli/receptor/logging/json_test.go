package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/transport/mesh"
)

// Objects stay what they are, but steer no terminal either.
func TestObjectsHideNothing(t *testing.T) {
	const name = "e\x1b[2J\u009b\u202e\U000e0041\n\x7fé"
	var out bytes.Buffer
	log := NewOutput(&out, true).Logger(zerolog.InfoLevel)
	log.Info().Str("neighbour", name).Msg(name)
	var got struct{ Message, Neighbour string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Message != name || got.Neighbour != name {
		t.Errorf("%q: %v", out.String(), err)
	}
	if at := bytes.IndexFunc(bytes.TrimSuffix(out.Bytes(), []byte("\n")), func(r rune) bool { return r < ' ' || r == 0x7f || wide(r) }); at >= 0 {
		t.Errorf("%q at %d", out.String(), at)
	}
}

func TestObjects(t *testing.T) {
	var out bytes.Buffer
	o := NewOutput(&out, true)
	at := time.Date(2026, 11, 22, 7, 0, 0, 5, time.UTC)
	o.now = func() time.Time { return at }
	log := o.Logger(zerolog.InfoLevel)
	log.Debug().Msg("hidden")
	log.Info().Str("neighbour", "two\nlines").Float64("cost", 1.5).Msg("link up")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%q: %v", out.String(), err)
	}
	want := map[string]any{
		"level": "info", "time": "2026-11-22T07:00:00.000000005Z", "message": "link up",
		"neighbour": "two\nlines", "cost": 1.5,
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
}

// The form changes under loggers that are there already.
func TestTheFormChanges(t *testing.T) {
	var out bytes.Buffer
	o := NewOutput(&out, false)
	o.w.now = func() time.Time { return time.Date(2021, 7, 22, 22, 40, 36, 999, time.Local) }
	log, tr := o.Logger(zerolog.InfoLevel), o.Tracer()
	said := func() string {
		out.Reset()
		log.Info().Int("n", 1).Msg("hello")
		tr.Forwarded(traced, "bar")
		return out.String()
	}
	text := "INFO " + stamp + " hello n=1\nTRACE " + stamp + "     Forwarding data length 3 via bar\n"
	if got := said(); got != text {
		t.Errorf("text: %q", got)
	}
	o.SetJSON(true)
	for line := range strings.Lines(said()) {
		var got struct{ Level, Time, Message string }
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Level == "" || got.Time == "" || got.Message == "" {
			t.Errorf("objects: %q, %v", line, err)
		}
	}
	o.SetJSON(false)
	if got := said(); got != text {
		t.Errorf("text again: %q", got)
	}
}

var traced = mesh.Traced{FromNode: "foo", FromService: "h73opPEh", ToNode: "bar", ToService: "ping\n", Length: 3}

func TestTraceLines(t *testing.T) {
	var out bytes.Buffer
	o := NewOutput(&out, false)
	o.w.now = func() time.Time { return time.Date(2021, 7, 22, 22, 40, 36, 999, time.Local) }
	tr := o.Tracer()
	tr.Sent(traced)
	tr.Received(traced, "foo")
	tr.Forwarded(traced, "bar")
	tr.Bridging("127.0.0.1:5", "bar:web")
	tr.Copied(7, "127.0.0.1:5", "bar:web")
	tr.Stopping("127.0.0.1:5", "bar:web")
	tr.Routed(84, "10.0.0.5", "bar:net")
	tr.Unwrapped(84, "bar:net", "tun0")
	want := "TRACE " + stamp + ` --- Sending data length 3 from foo:h73opPEh to bar:ping\u000a` + "\n" +
		"TRACE " + stamp + ` --- Received data length 3 from foo:h73opPEh to bar:ping\u000a via foo` + "\n" +
		"TRACE " + stamp + "     Forwarding data length 3 via bar\n" +
		"TRACE " + stamp + "     Bridging 127.0.0.1:5 to bar:web\n" +
		"TRACE " + stamp + "     Copied 7 bytes from 127.0.0.1:5 to bar:web\n" +
		"TRACE " + stamp + "     Stopping bridge 127.0.0.1:5 to bar:web\n" +
		"TRACE " + stamp + "     Forwarding data length 84 to 10.0.0.5 via bar:net\n" +
		"TRACE " + stamp + "     Forwarding data length 84 from bar:net to tun0\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTraceObjects(t *testing.T) {
	var out bytes.Buffer
	tr := NewOutput(&out, true).Tracer()
	tr.Received(traced, "foo")
	tr.Copied(7, "127.0.0.1:5", "bar:web")
	tr.Routed(84, "10.0.0.5", "bar:net")
	tr.Unwrapped(84, "bar:net", "tun0")
	for i, want := range []map[string]any{
		{"message": "received data", "from": "foo", "from_service": "h73opPEh", "to": "bar", "to_service": "ping\n", "neighbour": "foo", "length": 3.0},
		{"message": "copied", "from": "127.0.0.1:5", "to": "bar:web", "length": 7.0},
		{"message": "forwarding packet", "to": "10.0.0.5", "via": "bar:net", "length": 84.0},
		{"message": "forwarding packet", "from": "bar:net", "interface": "tun0", "length": 84.0},
	} {
		line, err := out.ReadBytes('\n')
		var got map[string]any
		if err := errors.Join(err, json.Unmarshal(line, &got)); err != nil {
			t.Fatal(err)
		}
		delete(got, "time")
		if want["level"] = "trace"; !maps.Equal(got, want) {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
	}
}
