package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"receptor/actors/control/command"
	supervisev1 "receptor/proto/supervise/v1"
	workv1 "receptor/proto/work/v1"
	"receptor/test/probe"
	"receptor/transport"
)

func live(t *testing.T, change func(*Config), f func(t *testing.T, w *world)) {
	t.Helper()
	probe.Live(t, func(t *testing.T, s *probe.Stage) { f(t, newWorld(t, s, change)) })
}

func TestGarbageGetsErrors(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		c := w.client()
		random := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			line := make([]byte, 1+random.IntN(200))
			for i := range line {
				line[i] = byte(random.IntN(256))
			}
			line = []byte("x" + strings.NewReplacer("\n", "", "\r", "").Replace(string(line)))
			c.ask(string(line), "ERROR: Unknown command")
			c.ask("{"+string(line), "ERROR: invalid character 'x' looking for beginning of object key string")
		}
		c.ask(`{"command":"status","requested_fields":"Version"}`, "ERROR: requested_fields must be an array of strings")
		c.ask(`{"command":"status","requested_fields":["Version"]}`, `{"Version":"1.4.9"}`)
	})
}

// A page in a browser on the machine of a node can't give commands: what comes after
// the head of its request is not read.
func TestWebClientsGiveNoCommands(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		for _, first := range []string{"POST / HTTP/1.1", "GET /x?y HTTP/1.0", "OPTIONS * HTTP/1.1", "PRI * HTTP/2.0"} {
			c := w.client()
			c.send(first + "\r\nHost: localhost\r\n\r\n" + `{"command":"status","requested_fields":["Version"]}` + "\n")
			c.halfClose()
			c.expect("ERROR: this is no web server\n")
			c.expectEnd()
		}
		c := w.client()
		c.ask("post / http/1.1", "ERROR: Unknown command") // no browser's
		c.ask(`{"command":"status","requested_fields":["Version"]}`, `{"Version":"1.4.9"}`)
	})
}

func TestLongLines(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		c := w.client()
		long := `{"command":"ping","target":"foo","x":"`
		fits := long + strings.Repeat("y", maxLine-len(long)-2) + `"}`
		c.send(fits + "\n")
		if got := c.line(); !strings.Contains(got, `"Success":true`) {
			t.Fatal(got)
		}
		c.ask(fits+" ", fmt.Sprintf("ERROR: command line longer than %d bytes", maxLine))
		c.ask(strings.Repeat("z", 17<<20), fmt.Sprintf("ERROR: command line longer than %d bytes", maxLine))
		c.ask("nosuch", "ERROR: Unknown command")
		c.send(strings.Repeat("z", 17<<20))
		c.halfClose()
		c.expect(fmt.Sprintf("ERROR: command line longer than %d bytes\n", maxLine))
		c.expectEnd()
	})
}

func TestPipelinedLinesAreAnsweredInOrder(t *testing.T) {
	const n = 500
	live(t, nil, func(t *testing.T, w *world) {
		c := w.client()
		var lines strings.Builder
		for i := range n {
			fmt.Fprintf(&lines, "work status u%d\r\n\n", i)
		}
		c.send(lines.String())
		c.halfClose()
		for i := range n {
			c.expect(fmt.Sprintf("ERROR: unknown work unit u%d\n", i))
		}
		c.expectEnd()
	})
}

func TestTracerouteAndReload(t *testing.T) {
	reloaded := 0
	change := func(cfg *Config) {
		cfg.Reload = func(_ context.Context, dryRun bool) ([]command.Change, error) {
			if dryRun {
				return []command.Change{{Action: "start", Item: "links/x"}}, nil
			}
			if reloaded++; reloaded > 1 {
				return nil, &command.ReloadError{Code: command.ReloadNeedsRestart, Text: "no"}
			}
			return nil, nil
		}
	}
	live(t, change, func(t *testing.T, w *world) {
		c := w.client()
		c.ask("traceroute baz", `{"0":{"From":"foo","Time":1,"TimeStr":"1ns"},"1":{"From":"bar","Time":1,"TimeStr":"1ns"},`+
			`"2":{"From":"baz","Time":1,"TimeStr":"1ns"}}`)
		c.ask("reload", `{"Success":true}`)
		c.ask("reload-dry-run", `{"Changes":[{"Action":"start","Item":"links/x"}],"DryRun":true,"Success":true}`)
		c.ask("reload", `{"Error":"no ERRORCODE 3","Success":false}`)
	})
	live(t, nil, func(t *testing.T, w *world) {
		w.client().ask("reload", `{"Error":"no configuration file was provided, reload function not set ERRORCODE 4","Success":false}`)
	})
}

func TestTree(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		root := s.Probe()
		root.Answer(&supervisev1.GetTree{}, func(proto.Message) proto.Message {
			return &supervisev1.Tree{Actor: &supervisev1.Actor{Path: "node"}}
		})
		newWorld(t, s, func(cfg *Config) { cfg.Root, cfg.Debug = root.PID, func() bool { return true } }).client().ask("tree", `{"actor":{"path":"node"}}`)
	})
	live(t, nil, func(t *testing.T, w *world) {
		w.client().ask("tree", "ERROR: tree needs the daemon to run with --debug; add debug to its configuration and reload it, or start it so")
	})
}

func TestRouterThatIsGoneIsNamed(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		w.stage.Stop(w.router.PID)
		c := w.client()
		c.ask("status", "ERROR: no answer from "+w.router.PID.GetId()+": future: dead letter; see the log of this node")
		c.ask("nosuch", "ERROR: Unknown command")
	})
}

func TestWatch(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		c := w.client()
		c.ask("work watch nope", "ERROR: unknown work unit nope")
		unit := submit(t, w, "payload")
		c.send("work watch " + unit + "\n")
		c.halfClose()
		c.expect(`{"Detail":"","ExtraData":null,"State":1,"StateName":"Running","StdoutSize":0,"WorkType":"cat"}` + "\n")
		c.expect(`{"Detail":"exit status 0","ExtraData":null,"State":2,"StateName":"Succeeded","StdoutSize":7,"WorkType":"cat"}` + "\n")
		c.expectEnd()
	})
}

// submit runs one unit and returns its ID.
func submit(t *testing.T, w *world, payload string) string {
	t.Helper()
	c := w.client()
	c.send("work submit localhost cat\n" + payload) // the payload may come with its line
	created := unitCreated.FindStringSubmatch(c.line())
	if created == nil {
		t.Fatal("no unit")
	}
	c.halfClose()
	c.expect(`{"result":"Job Started","unitid":"` + created[1] + `"}` + "\n")
	c.expectEnd()
	return created[1]
}

func TestPayloadIsStoredWhole(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		payload := strings.Repeat("0123456789\n\r{", 1<<20)
		unit := submit(t, w, payload)
		stored, err := os.ReadFile(w.work.stdin(unit))
		if err != nil || string(stored) != payload {
			t.Errorf("%d bytes stored of %d, %v", len(stored), len(payload), err)
		}
	})
}

// Whoever closes both sides at once may have been killed. Only over TCP that looks
// like the end of input.
func TestClientThatIsGoneBeforeTheAnswer(t *testing.T) {
	tcp := func(cfg *Config) {
		cfg.Listeners.Store(append(cfg.Listeners.Load(), Listener{Name: "tcp", Binding: knownPort(t)}))
	}
	live(t, tcp, func(t *testing.T, w *world) {
		for i, c := range []*client{w.client(), dial(t, "tcp", portOf(t))} {
			overTCP := i == 1
			if overTCP {
				c.line() // the banner
			}
			c.send("work submit foo cat\n")
			c.line()
			c.send("abc")
			c.close()
			m := w.work.nextStart(t, i+1)
			if started := m.GetInputError() == ""; started != overTCP {
				t.Errorf("over TCP %t: input error %q", overTCP, m.GetInputError())
			}
		}
	})
}

func TestResetIsNoEndOfPayload(t *testing.T) {
	tcp := func(cfg *Config) {
		cfg.Listeners.Store(append(cfg.Listeners.Load(), Listener{Name: "tcp", Binding: knownPort(t)}))
	}
	live(t, tcp, func(t *testing.T, w *world) {
		c := dial(t, "tcp", portOf(t))
		c.line()
		c.send("work submit foo cat\n")
		c.line()
		c.send("abc")
		if err := c.conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		c.close()
		if m := w.work.nextStart(t, 1); !strings.Contains(m.GetInputError(), "connection reset") {
			t.Errorf("input error %q", m.GetInputError())
		}
	})
}

func TestFullDiskIsNamedAndPayloadIsNoCommand(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		w.work.stdin = func(string) string { return "/dev/full" }
		c := w.client()
		c.send("work submit foo cat\n")
		c.line()
		c.send(strings.Repeat("work release x\n", 1<<16))
		c.halfClose()
		c.expect("ERROR: error reading input data: write /dev/full: no space left on device\n")
		c.expectEnd()
		if m := w.work.nextStart(t, 1); !strings.Contains(m.GetInputError(), "no space left") {
			t.Errorf("input error %q", m.GetInputError())
		}
	})
}

func TestStopFailsTheUnitInThePayloadPhase(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		w := newWorld(t, s, nil)
		c := w.client()
		c.send("work submit foo cat\n")
		c.line()
		c.send("abc")
		s.Stop(pid(s, "stage/control-foo"))
		if m := w.work.nextStart(t, 1); m.GetInputError() == "" {
			t.Error("the unit was started with a part of its payload")
		}
		if _, err := os.Lstat(w.path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
}

func TestResultsGoOnAfterHalfCloseAndEndWithTheClient(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		unit := submit(t, w, "")
		more, gone := make(chan string), make(chan struct{})
		w.work.feed = func(ctx context.Context, out io.Writer) error {
			for {
				select {
				case text := <-more:
					if _, err := io.WriteString(out, text); err != nil {
						return err
					}
				case <-ctx.Done():
					close(gone)
					return ctx.Err()
				}
			}
		}
		c := w.client()
		c.ask("work results "+unit, "Streaming results for work unit "+unit)
		c.halfClose()
		more <- "one\n"
		c.expect("one\n")
		more <- "two\n"
		c.expect("two\n")
		select {
		case <-gone:
			t.Fatal("a half-closed client was taken for gone")
		default:
		}
		c.close()
		<-gone
	})
}

func TestSlowReaderHoldsUpNobodyElse(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		unit := submit(t, w, "")
		w.work.feed = func(ctx context.Context, out io.Writer) error {
			for {
				if _, err := out.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
			}
		}
		w.client().send("work results " + unit + "\n")
		w.client().send("work results " + unit + "\n" + strings.Repeat("x", 1<<20))
		sleepy := w.client()
		sleepy.send("ping slow\n")
		w.client().ask("work status "+unit,
			`{"Detail":"exit status 0","ExtraData":null,"State":2,"StateName":"Succeeded","StdoutSize":0,"WorkType":"cat"}`)
	}) // and the stop does not wait for them
}

func TestBridgeCarriesWhatCameWithTheLine(t *testing.T) {
	change := func(cfg *Config) {
		cfg.Dial = func(_ context.Context, _, service, _ string) (transport.StreamConn, error) {
			if service != "echo" {
				return nil, errors.New("context canceled")
			}
			return echo(t), nil
		}
	}
	live(t, change, func(t *testing.T, w *world) {
		c := w.client()
		c.ask("connect bar nosuch", "ERROR: context canceled")
		c.send("connect bar echo\nearly ")
		c.expect("Connecting\n")
		c.send("late\n")
		c.halfClose()
		c.expect("early late\n")
		c.expectEnd()
	})
}

// echo is a stream to something that answers when its input has ended.
func echo(t *testing.T) transport.StreamConn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		heard, err := io.ReadAll(conn)
		if err != nil {
			t.Error(err)
		}
		if _, err := conn.Write(heard); err != nil {
			t.Error(err)
		}
	}()
	return dial(t, "tcp", l.Addr().String()).conn
}

func TestWorkIsAskedForWhatTheClientWants(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		work := s.Probe()
		w := newWorld(t, s, func(cfg *Config) { cfg.Work = work.PID })
		c := w.client()
		c.send(`{"command":"work","subcommand":"submit","node":"LocalHost","worktype":"t","ttl":"1s","tlsclient":"c",` +
			`"signwork":"true","signature":"sig","params":"p"}` + "\n")
		work.Expect(t, &workv1.Submit{
			Node: "foo", WorkType: "t", Params: map[string]string{"params": "p"}, TlsClient: "c", Ttl: "1s", SignWork: true,
			Access: &workv1.Access{Signature: "sig", Trusted: true},
		})
		work.Reply(&workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: &workv1.Refused{Text: "no"}}})
		c.expect("ERROR: no\n")
		c.send("work force-release u\n")
		work.Expect(t, &workv1.Release{UnitId: "u", Force: true, Access: &workv1.Access{Trusted: true}})
		work.Reply(&workv1.EndReply{Result: &workv1.EndReply_Ended{Ended: &workv1.Ended{Pending: true}}})
		c.expect(`{"release pending":"u"}` + "\n")
		c.send(`{"command":"work","subcommand":"cancel","unitid":"u","signature":"s"}` + "\n")
		work.Expect(t, &workv1.Cancel{UnitId: "u", Access: &workv1.Access{Signature: "s", Trusted: true}})
		work.Reply(&workv1.EndReply{Result: &workv1.EndReply_Refused{Refused: &workv1.Refused{Text: "denied\n"}}})
		c.expect("ERROR: denied\n")
	})
}
