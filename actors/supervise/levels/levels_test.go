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
