package blackbox

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"

	"receptor/test/blackbox/harness"
)

// lossyRelay stands between a UDP peer and its listener. It loses one datagram in
// twenty, and lets one in twenty be overtaken by the next.
type lossyRelay struct {
	front  *net.UDPConn // towards the peer
	target netip.AddrPort
	work   sync.WaitGroup
	seed   uint64

	mu   sync.Mutex
	back map[netip.AddrPort]*net.UDPConn // by the peer's address
}

func (w *world) lossyRelay(target int) *lossyRelay {
	w.t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	w.must(err)
	r := &lossyRelay{
		front: front, target: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(target)),
		seed: rand.Uint64(), back: map[netip.AddrPort]*net.UDPConn{},
	}
	w.t.Logf("seed of the relay: %d", r.seed)
	r.work.Go(r.forth)
	w.t.Cleanup(func() {
		front.Close()
		r.mu.Lock()
		for _, conn := range r.back {
			conn.Close()
		}
		r.mu.Unlock()
		r.work.Wait()
	})
	return r
}

func (r *lossyRelay) port() int { return r.front.LocalAddr().(*net.UDPAddr).Port }

// forth carries datagrams of peers to the listener, over a socket for each.
func (r *lossyRelay) forth() {
	lanes := map[netip.AddrPort]*badLuck{}
	buf := make([]byte, 1<<16)
	for {
		n, addr, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed: the test is over
		}
		lane := lanes[addr]
		if lane == nil {
			conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.target))
			if err != nil {
				return
			}
			r.mu.Lock()
			r.back[addr] = conn
			r.mu.Unlock()
			r.work.Go(func() { r.home(conn, addr) })
			lane = newBadLuck(r.seed, func(b []byte) { _, _ = conn.Write(b) }) // a datagram more or less
			lanes[addr] = lane
		}
		lane.carry(buf[:n])
	}
}

// home carries the answers back.
func (r *lossyRelay) home(conn *net.UDPConn, peer netip.AddrPort) {
	lane := newBadLuck(r.seed+1, func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, peer) })
	buf := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		lane.carry(buf[:n])
	}
}

const oneIn = 20

// badLuck is one direction of a bad line.
type badLuck struct {
	dice *rand.Rand
	send func([]byte)
	held []byte // waits to be overtaken
}

func newBadLuck(seed uint64, send func([]byte)) *badLuck {
	return &badLuck{dice: rand.New(rand.NewPCG(seed, 0)), send: send}
}

func (l *badLuck) carry(datagram []byte) {
	switch l.dice.IntN(oneIn) {
	case 0:
		return // lost
	case 1:
		if l.held == nil {
			l.held = append([]byte(nil), datagram...)
			return
		}
	}
	l.send(datagram)
	if l.held != nil {
		l.send(l.held)
		l.held = nil
	}
}

// A link over UDP lives with loss and reorder: it stays up, and what streams carry
// over it is complete.
func TestUDPLinkOverABadLine(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{"ours": programs.Receptor, "theirs": ""} {
		t.Run(name, func(t *testing.T) {
			if program == "" {
				program = peerProgram(t)
			}
			w := newWorld(t)
			entry, port := w.port(), w.port()
			far := w.serve("tcp4", "127.0.0.1:0", store)
			accepts := w.Node(program, "accepts", harness.Join(
				backend{scheme: "udp"}.listener(port), tcpClient("store", far.port()))...)
			accepts.Foreign = !isOurs(accepts)
			w.up(accepts)
			relay := w.lossyRelay(port)
			dials := w.node("dials", backend{scheme: "udp"}.peer(relay.port()), tcpServer(entry, "accepts", "store"))
			w.up(dials)
			w.must(dials.Sees(w.ctx, "accepts"))
			w.must(accepts.Sees(w.ctx, "dials"))
			w.carries(w.dial("tcp4", local(entry)), 2<<20)
			w.logCounts(dials, "Connection established", 1)
		})
	}
}
