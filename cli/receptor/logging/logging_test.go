package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"receptor/actors/supervise/cut"
)

// The line of the introduction, with any date.
func TestInitializationComplete(t *testing.T) {
	var out bytes.Buffer
	log := New(zerolog.InfoLevel, &out)
	log.Info().Msg("Initialization complete")
	if !regexp.MustCompile(`^INFO \d{4}/\d\d/\d\d \d\d:\d\d:\d\d Initialization complete\n$`).Match(out.Bytes()) {
		t.Errorf("%q", out.String())
	}
}

// fixed returns a logger of which the stamp is known.
func fixed(out io.Writer) zerolog.Logger {
	l := newLines(out)
	l.now = func() time.Time { return time.Date(2021, 7, 22, 22, 40, 36, 999, time.Local) }
	return zerolog.New(l)
}

const stamp = "2021/07/22 22:40:36"

func TestLines(t *testing.T) {
	for _, c := range []struct {
		write func(log zerolog.Logger)
		want  string
	}{
		{func(l zerolog.Logger) { l.Error().Msg("a") }, "ERROR " + stamp + " a"},
		{func(l zerolog.Logger) { l.Warn().Msg("a") }, "WARNING " + stamp + " a"},
		{func(l zerolog.Logger) { l.Debug().Msg("a") }, "DEBUG " + stamp + " a"},
		{func(l zerolog.Logger) { l.Trace().Msg("a") }, "DEBUG " + stamp + " a"},
		{func(l zerolog.Logger) { l.Log().Msg("a") }, "INFO " + stamp + " a"},
		{func(l zerolog.Logger) { l.Info().Msg("") }, "INFO " + stamp},
		{func(l zerolog.Logger) { l.Info().Msg(`say "hi" to c:\`) }, "INFO " + stamp + ` say "hi" to c:\`},
		{func(l zerolog.Logger) { l.Info().Msg("two\nlines\x1b[2J\u0085\u2028é\u202e\u200f\U000e0041\u200d") },
			"INFO " + stamp + ` two\nlines\u001b[2J\u0085\u2028é\u202e\u200f\udb40\udc41` + "\u200d"},
		{func(l zerolog.Logger) {
			l = l.With().Str("node", "foo").Logger()
			l.Info().Int("n", -1).Float64("cost", 1.5).Bool("up", true).Msg("link up")
		}, "INFO " + stamp + " link up node=foo n=-1 cost=1.5 up=true"},
		{func(l zerolog.Logger) { l.Info().Str("a", "x y").Str("b", "").Str("c", `q"`).Str("d", "k=v").Msg("m") },
			"INFO " + stamp + ` m a="x y" b="" c="q\"" d="k=v"`},
		{func(l zerolog.Logger) { l.Info().Err(errors.New("dial tcp: refused\nERROR fake")).Msg("m") },
			"INFO " + stamp + ` m error="dial tcp: refused\nERROR fake"`},
		{func(l zerolog.Logger) { l.Info().Str("a", "\u009b").Str("k\n", "v").Msg("m") }, "INFO " + stamp + ` m a="\u009b" k\n=v`},
		{func(l zerolog.Logger) {
			l.Info().Strs("list", []string{"a,b", "}"}).Dict("d", zerolog.Dict().Str("x", "]")).Msg("m")
		},
			"INFO " + stamp + ` m list=["a,b","}"] d={"x":"]"}`},
	} {
		var out bytes.Buffer
		c.write(fixed(&out))
		if got := out.String(); got != c.want+"\n" {
			t.Errorf("got  %swant %s", got, c.want)
		}
	}
}

func TestLevelHidesWhatIsBelow(t *testing.T) {
	for name, want := range map[string]int{"Error": 1, "warning": 2, "INFO": 3, "debug": 4} {
		level, ok := ParseLevel(name)
		if !ok {
			t.Fatalf("%s is no level", name)
		}
		var out bytes.Buffer
		log := New(level, &out)
		log.Error().Msg("e")
		log.Warn().Msg("w")
		log.Info().Msg("i")
		log.Debug().Msg("d")
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%s shows %d lines, want %d", name, got, want)
		}
	}
	if _, ok := ParseLevel("trace"); ok {
		t.Error("trace is no level")
	}
}

func TestSlog(t *testing.T) {
	var out bytes.Buffer
	log := Slog(fixed(&out).Level(zerolog.InfoLevel))
	log.Debug("hidden")
	log.With("actor", "a/b").WithGroup("g").Warn("slow mailbox", slog.Int("depth", 3))
	if want := "WARNING " + stamp + " slow mailbox g.actor=a/b g.depth=3\n"; out.String() != want && out.String() != strings.Replace(want, "g.actor", "actor", 1) {
		t.Errorf("%q", out.String())
	}
}

func TestFailedWriteIsReported(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if n, err := newLines(w).Write([]byte(`{"message":"a"}`)); n != 0 || err == nil {
		t.Errorf("n %d, err %v", n, err)
	}
}

func TestLongLinesAreNotKept(t *testing.T) {
	l := newLines(io.Discard)
	if _, err := l.Write([]byte(`{"message":"` + strings.Repeat("x ", maxKept) + `"}`)); err != nil || l.buf != nil {
		t.Errorf("err %v, %d bytes kept", err, cap(l.buf))
	}
}

// Whatever is logged is one line of printable text.
func FuzzLine(f *testing.F) {
	f.Add("msg", "key", "value")
	f.Add("a\nERROR b", "k=", "\x1b[0m\u009b")
	f.Add(`\`, `"`, `\"`)
	f.Fuzz(func(t *testing.T, msg, key, value string) {
		var out bytes.Buffer
		log := fixed(&out)
		log.Info().Str(key, value).Msg(msg)
		line, ok := strings.CutSuffix(out.String(), "\n")
		if !ok || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q", out.String())
		}
	})
}

// Nor does an event that zerolog would not write break anything.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"level":"info","a":{"b":[1,"]"]},"message":"m"}`))
	f.Add([]byte(`{"a":`))
	f.Add([]byte(`{"a`))
	f.Add([]byte(`{"message":"` + strings.Repeat(`\u001b`, cut.Max) + `","a":"` + strings.Repeat(`\\`, cut.Max)))
	f.Add([]byte(`{"message":"` + strings.Repeat(`é\"`, cut.Max) + `"}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		if short := cutEvent(event); json.Valid(event) && !json.Valid(short) {
			t.Errorf("cut to %q", short)
		}
		if got := appendEvent(nil, event); json.Valid(event) && bytes.IndexByte(got, '\n') >= 0 {
			t.Errorf("%q", got)
		}
	})
}

func TestLoggingDoesNotAllocate(t *testing.T) {
	log := New(zerolog.InfoLevel, io.Discard)
	log = log.With().Str("node", "foo").Logger()
	n := testing.AllocsPerRun(100, func() {
		log.Info().Str("neighbour", "bar").Float64("cost", 1).Msg("Connection established with bar")
	})
	if n > 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func BenchmarkLine(b *testing.B) {
	log := New(zerolog.InfoLevel, io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		log.Info().Str("neighbour", "bar").Float64("cost", 1).Msg("Connection established with bar")
	}
}
