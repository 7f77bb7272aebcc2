package logging

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/transport/mesh"
)

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

var traced = mesh.Traced{FromNode: "foo", FromService: "h73opPEh", ToNode: "bar", ToService: "ping\n", Length: 3}

func TestTraceLines(t *testing.T) {
	var out bytes.Buffer
	o := NewOutput(&out, false)
	o.w.now = func() time.Time { return time.Date(2021, 7, 22, 22, 40, 36, 999, time.Local) }
	tr := o.Tracer()
	tr.Sent(traced)
	tr.Received(traced, "foo")
	tr.Forwarded(traced, "bar")
	want := "TRACE " + stamp + ` --- Sending data length 3 from foo:h73opPEh to bar:ping\u000a` + "\n" +
		"TRACE " + stamp + ` --- Received data length 3 from foo:h73opPEh to bar:ping\u000a via foo` + "\n" +
		"TRACE " + stamp + ` ` + "    Forwarding data length 3 via bar\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTraceObjects(t *testing.T) {
	var out bytes.Buffer
	tr := NewOutput(&out, true).Tracer()
	tr.Received(traced, "foo")
	var got struct {
		Level, Message, From, To, Neighbour string
		Length                              int
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "trace" || got.Message != "received data" || got.From != "foo" || got.To != "bar" || got.Neighbour != "foo" || got.Length != 3 {
		t.Errorf("%+v", got)
	}
}
