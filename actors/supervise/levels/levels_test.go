package levels

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestLevelOfOneActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		base := zerolog.New(&out)
		l := New(zerolog.InfoLevel, nil)
		link := l.Logger(base, "node/links/a/link")
		other := l.Logger(base, "node/links/ab")
		seen := func() string {
			out.Reset()
			link.Debug().Msg("link-debug")
			link.Info().Msg("link-info")
			other.Debug().Msg("other-debug")
			other.Info().Msg("other-info")
			var words []string
			for _, w := range []string{"link-debug", "link-info", "other-debug", "other-info"} {
				if strings.Contains(out.String(), w) {
					words = append(words, w)
				}
			}
			return strings.Join(words, " ")
		}
		expect := func(when, want string) {
			t.Helper()
			if got := seen(); got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		set := func(path string, at zerolog.Level) {
			t.Helper()
			if err := l.Set(path, at, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		expect("before", "link-info other-info")
		set("node/links/a", zerolog.DebugLevel)
		expect("for all below a", "link-debug link-info other-info")
		set("node/links", zerolog.ErrorLevel)
		expect("the nearest counts", "link-debug link-info")
		if err := l.Reset("node/links/a"); err != nil {
			t.Fatal(err)
		}
		expect("without the nearest", "")
		time.Sleep(time.Minute)
		expect("when its time is over", "link-info other-info")
		for i := range maxOverrides {
			set(fmt.Sprint("x", i), zerolog.DebugLevel)
		}
		if err := l.Set("y", zerolog.DebugLevel, time.Minute); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
	})
}

func TestNoLevelsChangeNothing(t *testing.T) {
	var none *Levels
	if log := none.Logger(zerolog.New(nil).Level(zerolog.WarnLevel), "node"); log.GetLevel() != zerolog.WarnLevel {
		t.Errorf("level %v", log.GetLevel())
	}
}

func TestLevelsOfFamilies(t *testing.T) {
	var out bytes.Buffer
	l := New(zerolog.InfoLevel, map[string]zerolog.Level{"links": zerolog.DebugLevel})
	logs := map[string]zerolog.Logger{}
	paths := []string{"node", "node/links", "node/links/a/link", "node/work/u"}
	for _, path := range paths {
		logs[path] = l.Logger(zerolog.New(&out), path)
	}
	expect := func(when string, want map[string]zerolog.Level) {
		t.Helper()
		for _, path := range paths {
			for _, at := range []zerolog.Level{zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel} {
				out.Reset()
				log := logs[path]
				if log.WithLevel(at).Msg("x"); out.Len() > 0 != (at >= want[path]) {
					t.Errorf("%s: %s logs at %s: %v", when, path, at, out.Len() > 0)
				}
			}
		}
	}
	info, debug, warn, fault := zerolog.InfoLevel, zerolog.DebugLevel, zerolog.WarnLevel, zerolog.ErrorLevel
	expect("configured", map[string]zerolog.Level{"node": info, "node/links": debug, "node/links/a/link": debug, "node/work/u": info})
	for _, path := range []string{"node/links/a", "node/work"} {
		if err := l.Set(path, fault, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	l.Configure(warn, map[string]zerolog.Level{"links": info})
	expect("configured anew, exceptions stay",
		map[string]zerolog.Level{"node": warn, "node/links": info, "node/links/a/link": fault, "node/work/u": fault})
	l.ResetAll()
	expect("without exceptions", map[string]zerolog.Level{"node": warn, "node/links": info, "node/links/a/link": info, "node/work/u": warn})
	(*Levels)(nil).ResetAll() // of a node without them
}

func TestParse(t *testing.T) {
	for name, want := range map[string]zerolog.Level{
		"error": zerolog.ErrorLevel, "Warning": zerolog.WarnLevel, "INFO": zerolog.InfoLevel, "debug": zerolog.DebugLevel,
	} {
		if got, err := Parse(name); err != nil || got != want {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "warn", "trace", "info "} {
		if got, err := Parse(name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
}
