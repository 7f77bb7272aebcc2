package links

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// window is how many control messages the reader may be ahead of the link.
const window = 64

// reports is what a pump tells its owner. Lost comes once, last, and not at all
// after Stop.
type reports interface {
	Opened(remote string, maxFrame int)
	Control(msg []byte) // type 1, 2 or 3; to be acknowledged
	Unknown(kind byte)  // the first message of an unknown type
	TooLong(size int)   // the first that did not fit into the connection
	Lost(dialled bool, err error)
}

// mode is what the reader does with what it reads.
type mode = int32

const (
	quiet       mode = iota // no data yet
	established             // data goes to the plane
	deaf                    // nothing is of interest any more
)

// pump is a connection and the goroutines that block on it. It knows nothing of
// actors.
type pump struct {
	open    func(context.Context) (transport.Conn, error)
	plane   receiver
	queue   *mesh.Queue
	report  reports
	cancel  context.CancelFunc
	done    chan struct{}
	credits chan struct{} // holds one for each control message not acknowledged

	certs atomic.Pointer[func() []*x509.Certificate] // of the connection, if it has any

	trace func(msg []byte) // told of data messages; set before they come; nil: nobody is
	gauge gauge
	ctx   context.Context // ends with Stop
	pings sync.WaitGroup

	mode  atomic.Int32
	begin time.Time
	heard atomic.Int64 // when the last frame came, in ns since begin
}

// receiver takes data messages.
type receiver interface{ Receive(f *frame.Buf) }

// startPump opens a connection and pumps until it breaks or Stop is called.
func startPump(open func(context.Context) (transport.Conn, error), plane receiver, report reports) *pump {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pump{
		open: open, plane: plane, report: report, queue: mesh.NewQueue(mesh.DefaultQueueBytes),
		ctx: ctx, cancel: cancel, done: make(chan struct{}), credits: make(chan struct{}, window), begin: time.Now(),
	}
	go p.run(ctx)
	return p
}

// Stop ends all goroutines and waits for them.
func (p *pump) Stop() {
	p.cancel()
	p.queue.Close()
	<-p.done
	p.pings.Wait()
}

// Ack lets the reader be one more message ahead.
func (p *pump) Ack() { <-p.credits }

// Establish lets data through.
func (p *pump) Establish() { p.mode.Store(established) }

// Deafen drops whatever still comes in.
func (p *pump) Deafen() { p.mode.Store(deaf) }

// Certificates are those that the neighbour has shown, its own first.
func (p *pump) Certificates() []*x509.Certificate {
	if shown := p.certs.Load(); shown != nil {
		return (*shown)()
	}
	return nil
}

// Silence is how long nothing was heard from the far end.
func (p *pump) Silence() time.Duration { return time.Since(p.begin) - time.Duration(p.heard.Load()) }

func (p *pump) run(ctx context.Context) {
	defer close(p.done)
	defer p.cancel()
	defer p.queue.Close()
	conn, err := p.open(ctx)
	if err != nil {
		p.lost(ctx, false, err)
		return
	}
	p.heard.Store(int64(time.Since(p.begin)))
	if c, ok := conn.(interface{ PeerCertificates() []*x509.Certificate }); ok {
		shown := c.PeerCertificates
		p.certs.Store(&shown)
	}
	if c, ok := conn.(transport.Measured); ok {
		path := c.Path
		p.gauge.path.Store(&path)
	}
	p.report.Opened(conn.RemoteAddr(), conn.MaxFrame())
	p.lost(ctx, true, p.pump(ctx, conn))
}

func (p *pump) lost(ctx context.Context, dialled bool, err error) {
	if ctx.Err() == nil {
		p.report.Lost(dialled, err)
	}
}

// pump reads and writes until one of the two fails, and returns why.
func (p *pump) pump(ctx context.Context, conn transport.Conn) error {
	var (
		work sync.WaitGroup
		once sync.Once
		why  error
	)
	whole := ctx
	ctx, over := context.WithCancel(whole) // ends with the connection
	end := func(err error) {
		once.Do(func() {
			over()
			why = err
			if err := conn.Close(); err != nil {
				why = errors.Join(why, fmt.Errorf("closing: %w", err))
			}
			p.queue.Close()
		})
	}
	cancelled := make(chan struct{})
	stop := context.AfterFunc(whole, func() { end(whole.Err()); close(cancelled) })
	work.Go(func() { end(p.read(ctx, conn)) })
	work.Go(func() { end(p.write(conn)) })
	work.Wait()
	if !stop() {
		<-cancelled
	}
	return why
}

// read takes frames off the connection until it fails.
func (p *pump) read(ctx context.Context, conn transport.Conn) error {
	unknown := false
	for {
		f, err := conn.ReadFrame()
		if err != nil {
			return readError(err)
		}
		p.heard.Store(int64(time.Since(p.begin)))
		if f.Len() == 0 {
			f.Free()
			continue
		}
		p.gauge.received(f.Len())
		kind, m := f.Bytes()[0], p.mode.Load()
		if m == deaf {
			f.Free()
			if kind == wire.TypeReject {
				return errRejected // both at once: nobody needs to wait for the other
			}
			continue
		}
		switch kind {
		case wire.TypeData:
			p.data(f, m)
		case wire.TypeRoutingUpdate, wire.TypeServiceAd, wire.TypeReject:
			if !p.control(ctx, f) {
				return ctx.Err()
			}
		case wire.TypeProbe:
			p.probed(f.Bytes())
			f.Free()
		default:
			if !unknown {
				unknown = true
				p.report.Unknown(kind)
			}
			f.Free()
		}
	}
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the neighbour closed the connection")
	}
	return fmt.Errorf("receiving: %w", err)
}

func (p *pump) data(f *frame.Buf, m mode) {
	if m == established {
		if p.trace != nil {
			p.trace(f.Bytes())
		}
		p.plane.Receive(f)
		return
	}
	f.Free()
}

// control hands a message to the link, and waits while too many are unhandled.
func (p *pump) control(ctx context.Context, f *frame.Buf) bool {
	select {
	case p.credits <- struct{}{}:
	case <-ctx.Done():
		f.Free()
		return false
	}
	p.report.Control(append([]byte(nil), f.Bytes()...))
	f.Free()
	return true
}

// write puts on the wire what is queued until the connection fails.
func (p *pump) write(conn transport.Conn) error {
	w := writer{conn: conn, longest: conn.MaxFrame(), report: p.report}
	p.queue.Direct(w.write)
	var batch []*frame.Buf
	for {
		var err error
		if batch, err = p.queue.TakeBatch(batch[:0]); err != nil {
			return err
		}
		if err := w.write(batch); err != nil {
			return err
		}
	}
}

// writer is used by one goroutine at a time: whose turn it is to write.
type writer struct {
	conn    transport.Conn
	longest int
	report  reports
	refused bool // a frame that was too long has been reported
}

// write writes the frames that the connection can carry, and frees all.
func (w *writer) write(batch []*frame.Buf) error {
	fitting := slices.DeleteFunc(batch, w.tooLong)
	err := w.conn.WriteFrames(fitting)
	for i, f := range fitting {
		f.Free()
		fitting[i] = nil
	}
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

func (w *writer) tooLong(f *frame.Buf) bool {
	if f.Len() <= w.longest {
		return false
	}
	if !w.refused {
		w.refused = true
		w.report.TooLong(f.Len())
	}
	f.Free()
	return true
}
