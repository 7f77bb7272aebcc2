package control

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/test/probe"
	"receptor/transport"
)

const madeRoom = "ERROR: too many control connections, and this one was idle for longest: the session is closed, connect again\n"

// rest reads all that comes until the end. On such a connection nothing is written
// while nobody reads.
func (c *client) rest() <-chan string {
	all := make(chan string, 1)
	go func() {
		text, err := io.ReadAll(c.r)
		if err != nil {
			text = append(text, err.Error()...)
		}
		all <- string(text)
	}()
	return all
}

// few lets in as many clients as that.
func (l *lobby) few(n int, log io.Writer) func(*Config) {
	return func(cfg *Config) {
		l.instead(cfg)
		cfg.Listeners.Load()[0].MaxConns, cfg.Log = n, zerolog.New(log)
	}
}

// Who comes to a full listener takes the place of the client that has been idle for
// longest. Those that are at something stay.
func TestTheIdleMakeRoom(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		places, finish, log := newLobby(), make(chan struct{}), &probe.Text{}
		w := newWorld(t, s, places.few(4, log))
		w.work.feedLate("u", finish)
		follows, submits := places.client(t), places.client(t)
		silent, half := places.client(t), places.client(t)
		follows.ask("work results u", "Streaming results for work unit u")
		submits.send("work submit foo cat\n")
		submits.line()
		half.send("sta") // half a line is no command
		time.Sleep(time.Minute)
		silent.ask("nosuch", "ERROR: Unknown command")
		time.Sleep(time.Minute)

		begin := time.Now()
		told := half.rest()
		third := places.client(t)
		if got := <-told; got != madeRoom {
			t.Errorf("got %q", got)
		}
		if took := time.Since(begin); took > transport.Courtesy {
			t.Errorf("it took %v", took)
		}
		third.ask("nosuch", "ERROR: Unknown command")
		told = silent.rest()
		fourth := places.client(t)
		if got := <-told; got != madeRoom {
			t.Errorf("got %q", got)
		}
		fourth.ask("nosuch", "ERROR: Unknown command")
		if n := strings.Count(log.String(), "make room"); n != 1 {
			t.Errorf("it is said %d times: %s", n, log.String())
		}

		submits.send("payload") // goes through only if it is read
		close(finish)
		if rest := <-follows.rest(); rest != "late" {
			t.Errorf("the results end with %q", rest)
		}
	})
}

// Whatever strangers do at a TCP port: local clients get in, and have memory for long
// lines.
func TestStrangersLeaveLocalClientsRoom(t *testing.T) {
	both := func(cfg *Config) {
		local := cfg.Listeners.Load()[0]
		local.MaxConns = 2
		cfg.Listeners.Store([]Listener{local, {Name: "tcp", MaxConns: 64, Binding: knownPort(t)}})
	}
	live(t, both, func(t *testing.T, w *world) {
		long := strings.Repeat("x", maxLine/2+longLine)
		for range longLinesTotal / 2 / maxLine {
			c := dial(t, "tcp", portOf(t))
			c.expect("Receptor Control, node foo\n")
			c.send(long)
		}
		eventually(t, func() bool { // nothing is left for long lines of others at the port
			c := dial(t, "tcp", portOf(t))
			c.expect("Receptor Control, node foo\n")
			c.send(long + "\n")
			return c.line() == "ERROR: "+errCrowded.text+"\n"
		})
		for range 2 {
			w.client().ask(long, "ERROR: Unknown command")
		}
	})
}

func TestStrangersGetAShareOfTheFiles(t *testing.T) {
	for _, c := range []struct {
		seats int
		files uint64
		want  int
	}{{1024, 1 << 20, 1024}, {1024, 4096, 1024}, {1024, 1024, 256}, {2, 3, 1}, {5, 1 << 63, 5}} {
		if got := strangers(c.seats, c.files); got != c.want {
			t.Errorf("%d seats, %d files: got %d, want %d", c.seats, c.files, got, c.want)
		}
	}
}
