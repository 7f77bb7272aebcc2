package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"receptor/actors/control/command"
	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
	workv1 "receptor/proto/work/v1"
)

// pipe is a connection to a client in the same process.
type pipe struct{ net.Conn }

func (p pipe) CloseWrite() error { return p.Close() }

// piped is a session whose reader has not noticed yet what its client does.
func piped() (s *session, client net.Conn) {
	own, client := net.Pipe()
	return &session{conn: pipe{own}, ctx: context.Background()}, client
}

// A client that goes away while it watches has come to its natural end, also where
// that shows in a write first; one that takes nothing is given up, and that is told.
func TestWhoWatchesMayGoAtAnyTime(t *testing.T) {
	journal := events.New(8)
	journal.Add(&inspectv1.Event{What: &inspectv1.Event_Missed{Missed: &inspectv1.Missed{Count: 1}}})
	for name, tell := range map[string]func(*session) error{
		"events":           func(s *session) error { return s.tellEvents(journal, command.Events{Follow: true}, 1) },
		"units":            func(s *session) error { return s.tellChanged([]*workv1.Status{{UnitId: "unit"}}) },
		"units, in vain":   func(s *session) error { return s.tellChanged(nil) },
		"the end of debug": func(s *session) error { return s.tellEvents(off(), command.Events{Follow: true}, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			gone, client := piped()
			if err := client.Close(); err != nil {
				t.Fatal(err)
			}
			if err := tell(gone); !errors.Is(err, io.EOF) {
				t.Errorf("a client that has gone: %v", err)
			}
			synctest.Test(t, func(t *testing.T) {
				slow, client := piped()
				defer client.Close()
				began := time.Now()
				if err := tell(slow); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != watchPatience {
					t.Errorf("a client that takes nothing: %v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// off is a journal that is kept no more.
func off() *events.Journal {
	j := events.New(8)
	j.Switch(false)
	return j
}
