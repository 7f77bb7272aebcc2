package blackbox

import (
	"crypto/rand"
	"fmt"
	"net"
	"testing"

	"receptor/test/blackbox/harness"
)

// Strangers at the ports of every backend are shown out; the neighbours don't
// notice.
func TestGarbageOnEveryPort(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			w := newWorld(t)
			port := w.port()
			client, server := w.credentials(b, "a", "hub")
			hub, a := w.node("hub", server, b.listener(port)), w.node("a", client, b.peer(port))
			w.up(hub, a)
			w.must(a.Sees(w.ctx, "hub"))
			noise := make([]byte, 1<<16-100)
			_, err := rand.Read(noise)
			w.must(err)
			for name, bytes := range map[string][]byte{
				"nothing":             {},
				"one zero":            {0},
				"web browser":         []byte("GET /mesh HTTP/1.1\r\nHost: x\r\n\r\n"),
				"WebSocket and noise": append([]byte("GET /mesh HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"), noise[:2000]...),
				"begin of TLS":        append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, noise[:600]...),
				"alert of TLS":        {21, 3, 3, 0, 2, 2, 40},
				"update of nobody":    []byte("\x01{}"),
				"negative cost":       []byte("\x01" + `{"NodeID":"x","UpdateID":"abcdefgh","UpdateEpoch":1,"UpdateSequence":1,"Connections":{"hub":-1,"x":-5},"ForwardingNode":"x"}`),
				"empty service":       []byte("\x02{}"),
				"unknown type":        {250, 1, 2, 3},
				"short data":          {0, 1, 2, 3},
				"noise":               noise,
			} {
				t.Log(name)
				for range 5 {
					w.disturbs(b, port, bytes)
				}
			}
			w.pings(a, "hub")
			w.logCounts(hub, "Connection established with a", 1)
			w.logIsBrief(hub)
			if s, err := hub.Status(w.ctx); err != nil || !s.Connected("a") || s.RoutingTable["a"] != "a" {
				t.Errorf("connections %v, routes %v, %v", s.Connections, s.RoutingTable, err)
			}
		})
	}
}

// disturbs sends something to the port of a backend as a stranger.
func (w *world) disturbs(b backend, port int, bytes []byte) {
	w.t.Helper()
	if b.scheme != "udp" {
		w.showOut(port, bytes)
		return
	}
	conn := w.dial("udp4", local(port))
	defer conn.Close()
	_, err := conn.Write(bytes)
	w.must(err)
}

// Many who knock at a UDP port at once cost little, and the neighbour goes on.
func TestManyStrangersAtAUDPPort(t *testing.T) {
	w := newWorld(t)
	b := backend{name: "UDP", scheme: "udp"}
	port := w.port()
	accepts, dials := w.node("accepts", b.listener(port)), w.node("dials", b.peer(port))
	w.up(accepts, dials)
	w.must(dials.Sees(w.ctx, "accepts"))
	const strangers = 3000
	before := residentMB(t, accepts.PID())
	for i := range strangers {
		conn, err := net.Dial("udp4", local(port))
		w.must(err)
		_, err = fmt.Fprintf(conn, "\x01{\"stranger\":%d}", i)
		w.must(err)
		w.must(conn.Close())
	}
	w.answers(dials, accepts.ID)
	if grown := residentMB(t, accepts.PID()) - before; grown > 100 {
		t.Errorf("%d strangers cost %d MB", strangers, grown)
	}
	w.logCounts(accepts, "Connection established", 1)
	w.logLineHas(accepts, "WARNING", "counted, not told")
	w.logIsBrief(accepts)
}

// logIsBrief checks that strangers did not get a line each.
func (w *world) logIsBrief(n *harness.Node) {
	w.t.Helper()
	if lines := w.logged(n, "WARNING"); lines > 45 {
		w.t.Errorf("%d warnings in the log", lines)
	}
}
