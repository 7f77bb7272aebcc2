package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"receptor/transport/mesh"
)

// A neighbour chooses its name, and how long it is: the log stays readable, and tells
// one from another.
func TestLongNamesAreCut(t *testing.T) {
	for _, letter := range []string{"x", "é", "\\", "\"", "\n", "\x1b", "\u202e", "\u2003"} {
		name := strings.Repeat(letter, 30_000/len(letter))
		for _, objects := range []bool{false, true} {
			var out bytes.Buffer
			o := NewOutput(&out, objects)
			log := o.Logger(zerolog.InfoLevel)
			say := func(name string) string {
				out.Reset()
				log.Info().Str("neighbour", name).Int("n", 5).Err(errors.New("no " + name + " here")).Msg("Connection established with " + name + " now")
				o.Tracer().Received(mesh.Traced{FromNode: name, ToNode: name}, name)
				return out.String()
			}
			got, other := say(name), say(name+"y")
			if len(got) > 8000 || strings.Count(got, "\n") != 2 || strings.Count(got, "…(") != 6 {
				t.Fatalf("%q, objects %t: %q", letter, objects, got)
			}
			if got == other || !strings.Contains(got, " here") || !strings.Contains(got, " now") {
				t.Errorf("%q, objects %t: %q", letter, objects, got)
			}
			for line := range strings.Lines(got) {
				if objects && !json.Valid([]byte(line)) {
					t.Errorf("%q: no object: %q", letter, line)
				}
			}
		}
	}
}

// What is long for a reason stays: many words, the stack of a failure, a payload that is
// traced.
func TestLongTextsStay(t *testing.T) {
	long := strings.Repeat("x", 5000)
	var out bytes.Buffer
	log := NewOutput(&out, false).Logger(zerolog.InfoLevel)
	words := strings.TrimSpace(strings.Repeat("a word ", 1000))
	log.Info().Str("stack", long).Msg("PACKET TRACING ENABLED: Reading from stdin with a payload of: " + long)
	log.Info().Msg(words)
	if got := out.String(); strings.Count(got, long) != 2 || !strings.Contains(got, words) || strings.Contains(got, "…") {
		t.Errorf("%d bytes: %.200q", len(got), got)
	}
}
