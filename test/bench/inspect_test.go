package bench

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"receptor/actors/node"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	supervisev1 "receptor/proto/supervise/v1"
)

// loads are what nodes do without and with debug mode.
var loads = []struct {
	name string
	load workload
	turn int // pieces done at a time
}{
	{"connections", connections, 100}, {"stream", pieces, 400}, {"status", questions, 400}, {"visits", visits, 400},
}

// A workload returns what does one piece of it, with nodes of its own.
type workload func(b *testing.B, debug bool) func()

// BenchmarkDebug is what debug mode costs: the same work done by nodes without and
// with it, in turns, so that a busy machine troubles both alike. It reports the
// processor time that the second ones need more, in percent, as the median over all
// turns, and by how much that may be wrong. On a machine that does other things, too,
// that is several percent: BenchmarkDebugInstructions is exact.
func BenchmarkDebug(b *testing.B) {
	for _, l := range loads {
		b.Run(l.name, func(b *testing.B) { compare(b, l.turn, l.load) })
	}
}

// BenchmarkNode is a piece of the same work by nodes without or with debug mode.
func BenchmarkNode(b *testing.B) {
	for _, l := range loads {
		for _, mode := range modes {
			b.Run(l.name+"/"+mode, func(b *testing.B) {
				do := l.load(b, mode == modes[1])
				for range warm {
					do()
				}
				runtime.GC() // from then on the runtime knows how large stacks are to begin
				b.ReportAllocs()
				for b.Loop() {
					do()
				}
			})
		}
	}
}

const warm = 50

var modes = [2]string{"off", "on"}

// compare does a piece of work per operation, a turn of many at a time.
func compare(b *testing.B, turn int, load workload) {
	without, with := load(b, false), load(b, true)
	var shares []float64
	for i := 0; b.Loop(); i++ {
		var off, on time.Duration
		if i%2 == 0 { // whoever is second finds caches warm, or the machine slower
			off = spent(b, turn, without)
			on = spent(b, turn, with)
		} else {
			on = spent(b, turn, with)
			off = spent(b, turn, without)
		}
		shares = append(shares, 100*(float64(on)/float64(off)-1))
	}
	slices.Sort(shares)
	median, n := shares[len(shares)/2], len(shares)
	// In 19 of 20 cases the true median is between these two: their ranks are two
	// standard deviations of a fair coin away from the middle.
	away := int(math.Sqrt(float64(n)))
	low, high := shares[max(n/2-away, 0)], shares[min(n/2+away, n-1)]
	b.ReportMetric(median, "cpu%")
	b.ReportMetric(max(high-median, median-low), "±cpu%")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*turn*len(shares)), "ns/piece")
}

// spent is the processor time that the process needs for n pieces.
func spent(b *testing.B, n int, do func()) time.Duration {
	begin := processor(b)
	for range n {
		do()
	}
	return processor(b) - begin
}

func processor(b *testing.B) time.Duration {
	var t unix.Timespec
	must(b, unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t))
	return time.Duration(t.Nano())
}

// connections opens connections through two proxies: four actors come and go.
func connections(b *testing.B, debug bool) func() {
	rules := node.LinkRules{Cost: 1, AnyPeer: true}
	entry := unused(b)
	x := start(b, node.Config{
		ID: "x", Debug: debug, TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}},
		Services: node.Services{TCPClients: []node.TCPClient{{Service: "echo", Addr: echo(b)}}},
	})
	y := start(b, node.Config{
		ID: "y", Debug: debug, TCPPeers: []node.TCPPeer{{Addr: x.ListenAddrs()[0], Redial: true, LinkRules: rules}},
		Services: node.Services{TCPServers: []node.TCPServer{{Addr: entry, RemoteNode: "x", RemoteService: "echo"}}},
	})
	linked(b, x, y)
	once(b, entry)
	return func() { once(b, entry) }
}

func linked(b *testing.B, x, y *node.Node) {
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	must(b, y.WaitForRoute(ctx, "x"))
	must(b, x.WaitForRoute(ctx, "y"))
}

// pieces pushes 64 KiB at a time through a stream of the mesh.
func pieces(b *testing.B, debug bool) func() {
	rules := node.LinkRules{Cost: 1, AnyPeer: true}
	x := start(b, node.Config{ID: "x", Debug: debug, TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}}})
	y := start(b, node.Config{
		ID: "y", Debug: debug, TCPPeers: []node.TCPPeer{{Addr: x.ListenAddrs()[0], Redial: true, LinkRules: rules}},
	})
	linked(b, x, y)
	l, err := x.Listen("sink")
	must(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.Copy(io.Discard, c) // the writer tells what went wrong
		}
	}()
	c, err := y.Dial(b.Context(), "x", "sink")
	must(b, err)
	p := make([]byte, piece)
	return func() {
		_, err := c.Write(p)
		must(b, err)
	}
}

// questions asks a control service for the status: nothing but messages.
func questions(b *testing.B, debug bool) func() {
	c, in := visit(b, controlled(b, debug))
	b.Cleanup(func() { c.Close() })
	return func() { ask(b, c, in) }
}

// visits does the same with a connection for each question: an actor comes and goes.
func visits(b *testing.B, debug bool) func() {
	socket := controlled(b, debug)
	return func() {
		c, in := visit(b, socket)
		ask(b, c, in)
		must(b, c.Close())
	}
}

// controlled is the socket of a node that does nothing else.
func controlled(b *testing.B, debug bool) (socket string) {
	socket = filepath.Join(b.TempDir(), "s")
	start(b, node.Config{
		ID: "x", Debug: debug, LocalOnly: true,
		ControlServices: []node.ControlService{{SocketPath: socket, SocketMode: 0o600}},
	})
	return socket
}

func visit(b *testing.B, socket string) (net.Conn, *bufio.Reader) {
	c, err := net.Dial("unix", socket)
	must(b, err)
	in := bufio.NewReader(c)
	_, err = in.ReadString('\n') // the banner
	must(b, err)
	return c, in
}

func ask(b *testing.B, c net.Conn, in *bufio.Reader) {
	_, err := io.WriteString(c, "status\n")
	must(b, err)
	_, err = in.ReadString('\n')
	must(b, err)
}

// BenchmarkHop is the worst case: a question to an actor that does nothing else than
// answer. Plain is without any observer; off is what nodes without debug mode do.
func BenchmarkHop(b *testing.B) {
	off, on := events.New(events.DefaultSize), events.New(events.DefaultSize)
	off.Switch(false)
	for _, c := range []struct {
		name    string
		journal *events.Journal
	}{{"plain", nil}, {"off", off}, {"observed", on}} {
		b.Run(c.name, func(b *testing.B) { benchmarkHop(b, c.journal) })
	}
}

func benchmarkHop(b *testing.B, journal *events.Journal) {
	system := supervise.NewSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	if journal != nil {
		supervise.Observe(system, supervise.Observer{Journal: journal})
	}
	child := make(chan *actor.PID, 1)
	root, err := system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor {
		return &parent{Supervisor: supervise.New(zerolog.Nop(), supervise.Backoff{}), child: child}
	}), "root")
	must(b, err)
	defer func() { must(b, system.Root.StopFuture(root).Wait()) }()
	pid := <-child
	b.ReportAllocs()
	for b.Loop() {
		_, err := system.Root.RequestFuture(pid, &supervisev1.Shutdown{}, time.Minute).Result()
		must(b, err)
	}
}

// parent has one child, which answers.
type parent struct {
	*supervise.Supervisor
	child chan *actor.PID
}

func (p *parent) Receive(ctx actor.Context) {
	if p.Supervise(ctx) {
		return
	}
	if _, ok := ctx.Message().(*actor.Started); ok {
		pid, err := p.Spawn(ctx, supervise.Spec{Name: "child", Kind: "thing", New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*supervisev1.Shutdown); ok {
					ctx.Respond(&supervisev1.Tree{})
				}
			})
		}})
		if err == nil {
			p.child <- pid
		}
	}
}
