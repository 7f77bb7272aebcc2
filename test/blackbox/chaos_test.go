package blackbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// The environment variables of the long version: how long it runs, and the seed
// of its first round.
const (
	soakVariable = "RECEPTOR_SOAK"
	seedVariable = "RECEPTOR_SOAK_SEED"
)

const (
	shortJobs = 200
	soakJobs  = 600
	// shortTrouble and soakTrouble bound a round on slow machines: what has not been
	// submitted then is not.
	shortTrouble = 8 * time.Second
	soakTrouble  = time.Minute
	// roundPatience is for everything in a round.
	roundPatience = 4 * time.Minute
	// submitters is how many clients submit at a time.
	submitters = 8
	// settleTime bounds how long any unit may take when the trouble is over.
	settleTime = 75 * time.Second
)

// Daemons, runners, commands and links are killed at random. Still every unit
// ends, with the right output, is executed once, and can be removed everywhere.
func TestNothingIsLostOrDoubled(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	text := os.Getenv(soakVariable)
	if text == "" {
		t.Parallel()
		newChaos(t, seed).run(shortJobs, shortTrouble)
		return
	}
	long, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	units := 0
	for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { units += newChaos(t, seed).run(soakJobs, soakTrouble) })
	}
	t.Logf("%d units", units)
}

// hits is what a unit has suffered.
type hits int

const (
	hitRunner hits = 1 << iota
	hitCommand
)

func (h hits) String() string { return map[hits]string{hitRunner: "runner", hitCommand: "command"}[h] }

// chaos is one round: a mesh, its jobs, and those who disturb it.
type chaos struct {
	w      *world
	seed   uint64
	nodes  []*harness.Node
	relays map[string]*harness.Relay

	mu     sync.Mutex
	events []string
	record *os.File        // of them, for worlds that are kept
	hits   map[string]hits // by token
}

// newChaos starts a triangle of nodes whose links run through relays.
func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	w := newLoneWorld(t, roundPatience)
	t.Logf("seed %d", seed)
	c := &chaos{w: w, seed: seed, relays: map[string]*harness.Relay{}, hits: map[string]hits{}}
	job, err := workType(w.Dir)
	w.must(err)
	c.record, err = os.Create(filepath.Join(w.Dir, "events"))
	w.must(err)
	t.Cleanup(func() { c.record.Close() })
	// An address of this round's own: nobody else takes the port of a daemon that is
	// down for a moment.
	addr := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	portA, portB := w.port(), w.port()
	a, b := fmt.Sprint(addr, ":", portA), fmt.Sprint(addr, ":", portB)
	c.nodes = []*harness.Node{
		w.node("a", job, harness.ListenerOn(addr, portA)),
		w.node("b", job, harness.ListenerOn(addr, portB), c.link("b-a", a)),
		w.node("c", job, c.link("c-a", a), c.link("c-b", b)),
	}
	w.up(c.nodes...)
	return c
}

// link is a peer behind a relay.
func (c *chaos) link(name, addr string) []string {
	c.w.t.Helper()
	r, err := harness.NewRelay(addr)
	c.w.must(err)
	c.w.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			c.w.t.Error(err)
		}
	})
	c.relays[name] = r
	return harness.Peer(r.Port())
}

func (c *chaos) log(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	event := time.Now().Format("15:04:05.000  ") + fmt.Sprintf(format, args...)
	c.events = append(c.events, event)
	fmt.Fprintln(c.record, event)
}

func (c *chaos) note(token string, kind hits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[token] |= kind
}

// run submits jobs while everything is disturbed, and judges what came of them
// when the trouble is over. It returns how many there were.
func (c *chaos) run(count int, limit time.Duration) int {
	c.w.t.Helper()
	jobs := drawJobs(rand.New(rand.NewPCG(c.seed, 0)), count, len(c.nodes))
	trouble := c.disturb()
	orders := c.submitAll(jobs, time.After(limit))
	c.log("the trouble is over")
	c.w.must(trouble())
	c.judge(orders)
	return len(orders)
}

// submitAll submits jobs until there are no more, or the time is over, and waits
// for their clients.
func (c *chaos) submitAll(jobs []*job, over <-chan time.Time) []*order {
	var clients sync.WaitGroup
	queue := make(chan *order)
	for range submitters {
		clients.Go(func() {
			for o := range queue {
				o.submit(&clients)
			}
		})
	}
	defer clients.Wait()
	defer close(queue)
	var orders []*order
	for _, j := range jobs {
		o := &order{job: j, chaos: c}
		select {
		case queue <- o:
			orders = append(orders, o)
		case <-over:
			return orders
		}
	}
	return orders
}

// disturb starts the lanes; what it returns ends them.
func (c *chaos) disturb() func() error {
	ctx, end := context.WithCancel(c.w.ctx)
	var lanes sync.WaitGroup
	problems := make(chan error, 16)
	lane := func(number uint64, run func(*rand.Rand) error) {
		dice := rand.New(rand.NewPCG(c.seed, number))
		lanes.Go(func() { problems <- run(dice) })
	}
	for i, n := range c.nodes {
		lane(uint64(i+1), func(d *rand.Rand) error { return c.daemonLane(ctx, n, d) })
	}
	for i, name := range []string{"b-a", "c-a", "c-b"} {
		lane(uint64(i+11), func(d *rand.Rand) error { return c.linkLane(ctx, name, c.relays[name], d) })
	}
	lane(21, func(d *rand.Rand) error { return c.processLane(ctx, d) })
	return func() error {
		end()
		lanes.Wait()
		close(problems)
		var all error
		for err := range problems {
			all = errors.Join(all, err)
		}
		return all
	}
}

// order is a job and what its client knows of it.
type order struct {
	*job
	chaos   *chaos
	unit    string // empty if the client never heard of it
	lost    error  // the client's connection broke: nobody knows what came of it
	asked   bool   // cancel or release were asked for
	outcome error  // of the client's further actions
}

// node is where the job was submitted.
func (o *order) node() *harness.Node { return o.chaos.nodes[o.from] }

// submit tries until the request has been sent; a client that doesn't know
// whether it was taken does not ask again.
func (o *order) submit(work *sync.WaitGroup) {
	ctx := o.chaos.w.ctx
	request := harness.Work{Node: o.chaos.nodes[o.to].ID, Type: "job", Params: o.params()}
	for ctx.Err() == nil {
		request.Payload = o.input()
		o.unit, _, o.lost = o.node().Submit(ctx, request)
		if o.lost == nil || !notAnswered(o.lost) {
			break
		}
		pause(ctx, 20*time.Millisecond)
	}
	o.chaos.log("submit %s on %s to %s: %s %v", o.token, o.node().ID, request.Node, o.unit, o.lost)
	if o.unit == "" {
		return
	}
	if o.fate != left {
		work.Go(o.meetFate)
	}
	if o.reads {
		work.Go(o.read)
	}
}

// notAnswered reports whether the daemon was down, and has not seen the request.
func notAnswered(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || strings.Contains(err.Error(), "read the banner")
}

// meetFate cancels or releases the unit, again and again until it is answered.
func (o *order) meetFate() {
	ctx := o.chaos.w.ctx
	pause(ctx, o.fateAt)
	o.asked = true
	command := fates[o.fate] + o.unit
	o.outcome = harness.Until(ctx, command, func() error {
		answer, err := o.node().Ask(ctx, command)
		var refused *harness.RefusedError
		switch {
		case errors.As(err, &refused) && refused.Text == "unknown work unit "+o.unit:
			return nil // an earlier attempt did it
		case errors.As(err, &refused):
			return &harness.Fatal{Err: err}
		case err == nil:
			o.chaos.log("%s (%s) on %s: %s", command, o.token, o.node().ID, answer)
		}
		return err
	})
}

// read follows the output as receptorctl does: from where it was when the
// connection broke.
func (o *order) read() {
	ctx := o.chaos.w.ctx
	want, err := o.output()
	if err != nil {
		o.outcome = err
		return
	}
	got := &prefix{want: want}
	o.outcome = harness.Until(ctx, "results of "+o.unit+" on "+o.node().ID, func() error {
		_, err := o.node().Results(ctx, o.unit, int64(got.at), got)
		if got.wrong != nil {
			return &harness.Fatal{Err: got.wrong}
		}
		if err != nil {
			return err
		}
		u, err := o.node().Unit(ctx, o.unit)
		if err == nil && (u.State < harness.Succeeded || int64(got.at) < u.StdoutSize) {
			err = fmt.Errorf("%d bytes so far, %s, %d bytes", got.at, u.StateName, u.StdoutSize)
		}
		return err
	})
}

// tokenOf is the token in the parameters that a unit shows, empty if it shows none.
func tokenOf(u harness.Unit) string {
	var extra struct {
		Params       string
		RemoteParams map[string]string
	}
	if err := json.Unmarshal(u.ExtraData, &extra); err != nil {
		return "" // null, or a type of work unknown here
	}
	token, _, _ := strings.Cut(extra.Params+extra.RemoteParams["params"], " ")
	return token
}
