package services

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"receptor/actors/services/iproute"
	"receptor/actors/services/tun"
	"receptor/transport/mesh"
)

// tunnel moves packets between a tun device and the mesh, and tells the kernel
// which networks are behind it.
//
//	kernel ──► device ── sends ──► lane of the node ──► socket ──► mesh
//	kernel ◄── device ◄───────────── takes ──────────── socket ◄── mesh
type tunnel struct {
	network string
	plane   *mesh.Plane
	device  *tun.Device
	socket  *mesh.Socket
	out     proxySink
	table   atomic.Pointer[iproute.Table]
	wanted  chan []netip.Prefix // capacity 1: the networks that the kernel should know
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	large  complaint
	kernel complaint
	down   complaint
}

func newTunnel(cfg IPRouter, device *tun.Device, socket *mesh.Socket, out proxySink) *tunnel {
	t := &tunnel{
		network: cfg.Network, plane: cfg.plane, device: device, socket: socket, out: out,
		wanted: make(chan []netip.Prefix, 1),
	}
	t.table.Store(iproute.NewTable(cfg.Network, nil))
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

func (t *tunnel) start() {
	var once sync.Once
	lost := func(what string, err error) {
		if t.ctx.Err() == nil {
			once.Do(func() { t.out.lost(fmt.Errorf("%s: %w", what, err)) })
		}
	}
	t.work.Go(func() { lost("read from "+t.device.Name(), t.sends()) })
	t.work.Go(func() { lost("write to "+t.device.Name(), t.takes()) })
	t.work.Go(t.reconcile)
}

// stop removes the device and frees the service.
func (t *tunnel) stop() error {
	t.cancel()
	err := errors.Join(t.socket.Close(), t.device.Close())
	t.work.Wait()
	return err
}

// route makes a table the one that counts. Only one goroutine calls it.
func (t *tunnel) route(table *iproute.Table, kernel []netip.Prefix) {
	t.table.Store(table)
	select {
	case <-t.wanted:
	default:
	}
	t.wanted <- kernel
}

// reconcile keeps the kernel's routes as they should be.
func (t *tunnel) reconcile() {
	for {
		select {
		case want := <-t.wanted:
			err := t.device.SetRoutes(want)
			switch {
			case err == nil:
				t.kernel.over()
			case t.ctx.Err() == nil && t.kernel.first():
				t.out.trouble(err)
			}
		case <-t.ctx.Done():
			return
		}
	}
}

// sends reads what the kernel sends and queues it for the node that it is for.
// What is for nobody is dropped, as are things that are no packets.
func (t *tunnel) sends() error {
	lanes := lanes{tunnel: t, byNode: map[string]*lane{}, swept: t.table.Load()}
	defer lanes.stop()
	packet := make([]byte, tun.MaxPacket)
	for {
		n, err := t.device.Read(packet)
		if err != nil {
			return err
		}
		table := t.table.Load()
		lanes.sweep(table)
		to, ok := iproute.Destination(packet[:n])
		if !ok {
			continue
		}
		if node, ok := table.Lookup(to); ok {
			l := lanes.to(node)
			l.outbox.put(packet[:n])
			t.plane.TraceRouted(n, to, l.dest)
		}
	}
}

// takes hands the kernel what routers of the same network sent.
func (t *tunnel) takes() error {
	packet := make([]byte, tun.MaxPacket)
	for {
		n, from, err := t.socket.ReadFrom(packet)
		if err != nil {
			return err
		}
		if _, ok := iproute.Destination(packet[:n]); !ok || from.(*mesh.Addr).Service != t.network {
			continue
		}
		t.plane.TraceUnwrapped(n, from, t.device.Name())
		_, err = t.device.Write(packet[:n])
		switch {
		case err == nil:
			t.down.over()
		case tun.Closed(err):
			return err
		case errors.Is(err, unix.EINVAL): // nothing the kernel calls a packet
		case t.down.first():
			t.out.trouble(fmt.Errorf("write to %s: %w", t.device.Name(), err))
		}
	}
}
