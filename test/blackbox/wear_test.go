package blackbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

const (
	shortUse = 1500 * time.Millisecond
	soakUse  = 20 * time.Second
	// shortPace and soakPace are what each of the users waits before the next use.
	shortPace = 20 * time.Millisecond
	soakPace  = 2 * time.Millisecond
	// turnedAway are clients for whom no way was found. When a link ends on a machine
	// that is very busy that may take too long, for one in a hundred.
	turnedAway = "(turned away)"
	// moreHeap is what a node may hold more than after its first use: caches that fill.
	moreHeap = 4 << 20
	// moreRoutines is what the runtime and the standard library start and keep.
	moreRoutines = 16
	// moreDescriptors likewise.
	moreDescriptors = 4
)

// A mesh is used in every way there is while a link breaks: streams notice nothing of
// that, for there is another way. Afterwards every node
// is back to what it was after the first such use: as many actors of each kind,
// goroutines and descriptors, and no more memory.
func TestUseLeavesNothingBehind(t *testing.T) {
	use, pace, end := shortUse, shortPace, time.Now()
	if text := os.Getenv(soakVariable); text != "" {
		long, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
		use, pace, end = soakUse, soakPace, end.Add(long)
	} else {
		t.Parallel()
	}
	u := newUse(newLoneWorld(t, time.Until(end)+2*patience))
	u.pace = pace
	u.round(use) // everything that is made once is made now
	first := u.marks()
	for again := true; again && !t.Failed(); again = time.Now().Before(end) {
		u.round(use)
		u.isBack(first)
	}
	if away := u.done[turnedAway]; away*100 > u.done["short"] {
		t.Errorf("%d of %d clients were turned away, although there was a way", away, u.done["short"])
	}
	for lane, count := range u.done {
		t.Logf("%-12s %5d, the slowest in %v", lane, count, u.slowest[lane].Round(time.Millisecond))
		if count == 0 {
			t.Errorf("nothing was done in lane %s", lane)
		}
	}
}

// use is a triangle of nodes, and who uses it.
type use struct {
	w     *world
	nodes []*harness.Node
	web   []*http.Client
	relay *harness.Relay    // between a and c
	entry map[string]string // addresses of proxies at a
	wet   net.Conn          // to the proxy of datagrams
	pace  time.Duration

	mu      sync.Mutex
	done    map[string]int
	slowest map[string]time.Duration
}

// newUse starts a, b and c: a-b by TCP, b-c by UDP, a-c by WebSocket through a relay.
// What a's proxies let in comes out at c.
func newUse(w *world) *use {
	w.t.Helper()
	u := &use{w: w, entry: map[string]string{}, done: map[string]int{}, slowest: map[string]time.Duration{}}
	bulk, short, wet, tcp, ws, udp := w.port(), w.port(), w.port(), w.port(), w.port(), w.port()
	whole, back := w.serve("tcp4", "127.0.0.1:0", store), w.serve("tcp4", "127.0.0.1:0", giveBackAll)
	u.entry["bulk"], u.entry["short"] = local(bulk), local(short)
	var err error
	u.relay, err = harness.NewRelay(local(ws))
	w.must(err)
	w.t.Cleanup(func() {
		if err := u.relay.Close(); err != nil {
			w.t.Error(err)
		}
	})
	a := u.node("a", harness.Listener(tcp), []string{"--ws-listener", "bindaddr=127.0.0.1", fmt.Sprint("port=", ws)},
		tcpServer(bulk, "c", "bulk"), tcpServer(short, "c", "short"), udpServer(wet, "c", "wet"))
	b := u.node("b", harness.Peer(tcp), []string{"--udp-listener", "bindaddr=127.0.0.1", fmt.Sprint("port=", udp)})
	c := u.node("c", []string{"--ws-peer", fmt.Sprint("address=ws://127.0.0.1:", u.relay.Port())},
		[]string{"--udp-peer", "address=" + local(udp)},
		tcpClient("bulk", whole.port()), tcpClient("short", back.port()), udpClient("wet", w.echo().LocalAddr().String()),
		harness.Command("cat", "cat", ""))
	w.up(a, b, c)
	w.must(a.Sees(w.ctx, "b", "c"))
	w.must(b.Sees(w.ctx, "a", "c"))
	w.must(c.Sees(w.ctx, "a", "b"))
	u.wet = w.dial("udp4", local(wet))
	w.t.Cleanup(func() { u.wet.Close() })
	return u
}

// giveBackAll is giveBack for clients that may break off.
func giveBackAll(conn net.Conn) error {
	if err := giveBack(conn); !hungUp(err) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (u *use) node(id string, args ...[]string) *harness.Node {
	web := filepath.Join(u.w.Dir, id+".web")
	n := u.w.node(id, append(args, []string{"--debug", "http=" + web})...)
	u.nodes, u.web = append(u.nodes, n), append(u.web, onSocket(web))
	return n
}

// round uses the mesh for a while in every way at once.
func (u *use) round(long time.Duration) {
	u.w.t.Helper()
	ctx, over := context.WithTimeout(u.w.ctx, long)
	defer over()
	var lanes sync.WaitGroup
	problems := make(chan error, 16)
	lane := func(name string, do func() error) {
		lanes.Go(func() {
			for pause(ctx, u.pace) {
				start := time.Now()
				if err := do(); err != nil {
					problems <- fmt.Errorf("%s: %w", name, err)
					return
				}
				u.did(name, time.Since(start))
			}
		})
	}
	lane("short", u.short)
	lane("bulk", u.bulk)
	lane("broken off", u.breakOff)
	lane("datagrams", func() error { u.w.echoes(u.wet, []byte("datagram")); return nil })
	lane("connect", func() error { return u.each(u.connect) })
	lane("questions", func() error { return u.each(u.ask) })
	lane("units", func() error { return u.each(u.work) })
	lane("reload", func() error { return u.each(u.reload) })
	lane("cuts", func() error { return u.cut(ctx) })
	lanes.Wait()
	close(problems)
	for err := range problems {
		u.w.t.Error(err)
	}
}

// each does something at every node: what is made the first time is made in the first
// round.
func (u *use) each(do func(*harness.Node) error) error {
	for _, n := range u.nodes {
		if err := do(n); err != nil {
			return err
		}
	}
	return nil
}

func (u *use) did(what string, took time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[what]++
	u.slowest[what] = max(u.slowest[what], took)
}

// dial is a client of one of a's proxies.
func (u *use) dial(entry string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp4", u.entry[entry], patience)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

// refused counts a client that the proxy has turned away.
func (u *use) refused(err error) error {
	if errors.Is(err, io.EOF) || hungUp(err) {
		u.did(turnedAway, 0)
		return nil
	}
	return err
}

func (u *use) short() error {
	conn, err := u.dial("short")
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		return u.refused(err)
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return u.refused(err)
}

func (u *use) bulk() error {
	conn, err := u.dial("bulk")
	if err != nil {
		return err
	}
	defer conn.Close()
	return exchange{conn, 1 << 20}.ask()
}

// breakOff ends in the middle of what it says.
func (u *use) breakOff() error {
	conn, err := u.dial("short")
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, 64<<10)); err != nil {
		return err
	}
	return conn.(*net.TCPConn).SetLinger(0)
}

// connect speaks with c's proxy by the control service.
func (u *use) connect(from *harness.Node) error {
	s, err := from.Connect(u.w.ctx, "c", "short", "")
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := io.WriteString(s, "hello"); err != nil {
		return err
	}
	_, err = io.ReadFull(s, make([]byte, 5))
	return err
}

// ifRefused is nil for a refusal: what is under way when a link is cut may be lost.
func ifRefused(err error) error {
	var refused *harness.RefusedError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func (u *use) ask(n *harness.Node) error {
	to := u.nodes[rand.IntN(len(u.nodes))].ID
	for _, question := range []string{"status", "ping " + to, "traceroute " + to, "work list", "tree", "reload --dry-run"} {
		if _, err := n.Ask(u.w.ctx, question); ifRefused(err) != nil {
			return err
		}
	}
	return nil
}

// work runs a unit on c and removes it.
func (u *use) work(from *harness.Node) error {
	input := strings.Repeat("input\n", 1+rand.IntN(1<<12))
	unit, _, err := from.Submit(u.w.ctx, harness.Work{Node: "c", Type: "cat", Payload: strings.NewReader(input)})
	if err != nil {
		return err
	}
	var output strings.Builder
	if _, err := from.Results(u.w.ctx, unit, 0, &output); err != nil {
		return err
	}
	if output.String() != input {
		return fmt.Errorf("unit %s: %d bytes of %d came back", unit, output.Len(), len(input))
	}
	_, err = from.Ask(u.w.ctx, "work release "+unit)
	return err
}

// cut breaks a's link with c, and waits for another one while there is time.
func (u *use) cut(ctx context.Context) error {
	u.relay.Cut()
	for _, there := range []bool{false, true} {
		if err := u.linked(ctx, there); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// linked waits until a has a link with c, or has none.
func (u *use) linked(ctx context.Context, want bool) error {
	return harness.Until(ctx, fmt.Sprintf("a's link with c to be there: %v", want), func() error {
		s, err := u.nodes[0].Status(ctx)
		if err == nil && s.Connected("c") != want {
			err = fmt.Errorf("it is there: %v", !want)
		}
		return err
	})
}

func (u *use) reload(n *harness.Node) error {
	_, err := n.Ask(u.w.ctx, "reload")
	return ifRefused(err)
}

// Idle connections that have carried much hold no place for more.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const connections, carried, small = 200, 256 << 10, 64 << 10
	w := newWorld(t)
	u := newUse(w)
	before := u.marks()
	for range connections {
		conn := w.dial("tcp4", u.entry["short"])
		defer conn.Close()
		w.asksBack(conn, carried)
	}
	w.must(harness.Until(w.ctx, "memory to be given back", func() error {
		var all error
		for i, now := range u.marks() {
			if each := (now.heap - before[i].heap) / connections; each > small {
				all = errors.Join(all, fmt.Errorf("%s holds %d bytes for each idle connection", u.nodes[i].ID, each))
			}
		}
		return all
	}))
}

// asksBack sends as much and reads it back.
func (w *world) asksBack(conn net.Conn, size int64) {
	w.t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, size))
		sent <- err
	}()
	_, err := io.CopyN(io.Discard, conn, size)
	w.must(errors.Join(err, <-sent))
}
