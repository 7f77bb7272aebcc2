package streams

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	streamsv1 "receptor/proto/streams/v1"
)

var (
	errStopped = errors.New("streams are stopped")
	errEnded   = errors.New("session ended at once")
	errBusy    = errors.New("too many sessions, or too many dials at once")
	// errForgotten is a far end that was started anew.
	errForgotten = errors.New("the node has started anew and knows nothing of the session")
)

// pump is one QUIC connection and the goroutines that block on it. It reports to
// one session actor and decides nothing but when it is no longer needed.
type pump struct {
	id      uint64
	key     key // of the far end; the service is empty on the accepting side
	net     *Network
	local   string    // own service, of an accepted connection
	accept  *listener // nil if we dialled
	conn    *quic.Conn
	connect func(ctx context.Context) (*quic.Conn, func(), error) // nil if accepted
	hangUp  func()                                                // frees what connect opened

	ctx     context.Context
	cancel  context.CancelCauseFunc
	started atomic.Bool
	done    chan struct{} // closed when run has returned

	mu    sync.Mutex
	life  life
	used  bool           // a stream was opened, ever
	kick  chan struct{}  // life changed; capacity 1
	spent []*quic.Stream // accepted, over, and not yet credited to the dialer
	heard atomic.Int64   // last time the far end was heard of, in Unix nanoseconds

	answered atomic.Int64 // last time a stream of the far end was answered, likewise
}

func newPump(n *Network, k key) *pump {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &pump{
		net: n, key: k, ctx: ctx, cancel: cancel,
		done: make(chan struct{}), kick: make(chan struct{}, 1), hangUp: func() {},
	}
}

// start lets the connection live; out hears of its beginning and its end. It
// reports false if the connection was stopped before.
func (p *pump) start(out sink) bool {
	if !p.started.CompareAndSwap(false, true) {
		return false
	}
	go p.run(out)
	return true
}

// stop ends it and waits. The peer reads "normal close".
func (p *pump) stop() {
	p.cancel(errStopped)
	if p.started.CompareAndSwap(false, true) {
		p.dispose()
		close(p.done)
	}
	<-p.done
}

func (p *pump) run(out sink) {
	defer close(p.done)
	if err := p.open(); err != nil {
		p.dispose()
		out.ended(endOfDial(err), err)
		return
	}
	out.connected(p.life.shared)
	err := p.serve()
	p.dispose()
	out.ended(endOf(err), err)
}

// open dials, if we are the dialer, and makes the connection known.
func (p *pump) open() error {
	if p.connect != nil {
		conn, hangUp, err := p.connect(p.ctx)
		if err != nil {
			return err
		}
		p.conn, p.hangUp = conn, hangUp
	}
	p.mu.Lock()
	p.life.shared = p.conn.ConnectionState().TLS.NegotiatedProtocol == alpnShared
	p.life.dialled = p.connect != nil
	p.life.since = time.Now()
	p.mu.Unlock()
	p.alive()
	if p.life.shared && p.life.dialled {
		p.net.table.share(p)
	}
	return nil
}

// dispose closes what is open. QUIC goes first: its peer is told.
func (p *pump) dispose() {
	p.net.table.remove(p)
	if p.conn != nil {
		p.closeConn(codeNormal, reasonNormal)
	}
	p.hangUp()
	if p.accept != nil {
		p.accept.forget(p)
	}
}

// closeConn is idempotent; the library's CloseWithError always returns nil.
func (p *pump) closeConn(code quic.ApplicationErrorCode, reason string) {
	if err := p.conn.CloseWithError(code, reason); err != nil {
		p.net.log.Debug().Err(err).Str("node", p.key.node).Msg("close of a session")
	}
}

// serve returns when the connection has ended, with the reason.
func (p *pump) serve() error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if p.accept != nil {
		wg.Go(func() { p.acceptStreams(&wg) })
		if p.life.shared {
			wg.Go(p.awaitBye)
		}
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		do, in := p.next(time.Now())
		if do == stepClose {
			p.closeConn(codeNormal, reasonNormal)
			return nil
		}
		if in == 0 {
			in = time.Hour
		}
		timer.Reset(in)
		select {
		case <-p.conn.Context().Done():
			return context.Cause(p.conn.Context())
		case <-p.ctx.Done():
			p.closeConn(codeNormal, reasonNormal)
			if cause := context.Cause(p.ctx); errors.Is(cause, errForgotten) {
				return cause
			}
			return nil
		case <-p.kick:
		case <-timer.C:
		}
	}
}

// next asks life what to do, and does the part that needs no waiting.
func (p *pump) next(now time.Time) (step, time.Duration) {
	p.mu.Lock()
	do, in := p.life.next(now)
	if do == stepRetire {
		p.life.retired = now
	}
	p.mu.Unlock()
	if do == stepRetire {
		p.net.table.unshare(p)
		p.sayBye()
		return stepWait, retireWait
	}
	return do, in
}

// sayBye offers to end the session with an empty unidirectional stream.
func (p *pump) sayBye() {
	s, err := p.conn.OpenUniStream()
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		p.net.log.Debug().Err(err).Str("node", p.key.node).Msg("can't offer to end the session")
	}
}

// awaitBye waits for such an offer.
func (p *pump) awaitBye() {
	s, err := p.conn.AcceptUniStream(p.conn.Context())
	if err != nil {
		return // the connection ended; serve knows why
	}
	s.CancelRead(codeCancelRead)
	p.mu.Lock()
	p.life.bye = true
	p.mu.Unlock()
	p.changed()
}

// retire ends the use of a session for new streams, when there is a hint that the far
// end is gone, or its terms are not those of today. Streams that are open decide for
// themselves.
func (p *pump) retire() {
	p.mu.Lock()
	if p.life.retired.IsZero() {
		p.life.retired = time.Now()
	}
	p.mu.Unlock()
	p.net.table.unshare(p)
	p.changed()
}

// carriesMany reports whether the far end is one of ours, and opens further streams.
func (p *pump) carriesMany() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life.shared
}

// forgotten ends an established connection whose far end no longer knows it.
func (p *pump) forgotten() {
	p.mu.Lock()
	established := !p.life.since.IsZero()
	p.mu.Unlock()
	if established {
		p.cancel(errForgotten)
	}
}

// load says how busy a session that we dialled is.
func (p *pump) load() load {
	stats := p.conn.ConnectionStats()
	p.mu.Lock()
	defer p.mu.Unlock()
	return load{streams: p.life.active, minRTT: stats.MinRTT, window: stats.CongestionWindow}
}

// acquire counts one more stream. It reports false if no more are welcome.
func (p *pump) acquire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.life.retired.IsZero() || (!p.life.shared && p.used) {
		return false
	}
	p.used = true
	p.life.active++
	return true
}

// release counts one less.
func (p *pump) release() {
	p.mu.Lock()
	p.life.active--
	last := p.life.active == 0
	if last {
		p.life.since = time.Now()
	}
	p.mu.Unlock()
	if !last {
		return
	}
	if !p.life.shared {
		if oldest := p.net.table.linger(p); oldest != nil {
			oldest.evict()
		}
	}
	p.changed()
}

// credit lets the dialer open another stream in place of one that is over. Credits
// are given several at a time: each would cost a packet of its own.
func (p *pump) credit(qs *quic.Stream) {
	if p.accept == nil {
		return
	}
	p.mu.Lock()
	p.spent = append(p.spent, qs)
	var due []*quic.Stream
	if len(p.spent) >= creditBatch {
		due, p.spent = p.spent, nil
	}
	p.mu.Unlock()
	for _, qs := range due {
		qs.ReleaseStreamCredit()
	}
}

// evict ends the lingering now.
func (p *pump) evict() {
	p.mu.Lock()
	p.life.evicted = true
	p.mu.Unlock()
	p.changed()
}

func (p *pump) changed() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// alive notes that the far end was heard of.
func (p *pump) alive() { p.heard.Store(time.Now().UnixNano()) }

func (p *pump) quietFor() time.Duration {
	return time.Since(time.Unix(0, p.heard.Load()))
}

// endOf says how an established connection ended.
func endOf(err error) streamsv1.End {
	var app *quic.ApplicationError
	if err == nil || (errors.As(err, &app) && app.ErrorCode == codeNormal) {
		return streamsv1.End_END_CLOSED
	}
	return streamsv1.End_END_LOST
}

// endOfDial says how a dial ended.
func endOfDial(err error) streamsv1.End {
	var network net.Error
	switch {
	case errors.Is(err, ErrServiceUnknown):
		return streamsv1.End_END_SERVICE_UNKNOWN
	case errors.As(err, &network) && network.Timeout():
		return streamsv1.End_END_TIMED_OUT
	}
	return streamsv1.End_END_REFUSED
}

// ErrServiceUnknown is a service on which nobody listens.
var ErrServiceUnknown = errors.New("service unknown")

// unknownService is ErrServiceUnknown with the names.
type unknownService struct{ node, service string }

func (e *unknownService) Error() string {
	return fmt.Sprintf("service %s unknown on node %s", e.service, e.node)
}

func (e *unknownService) Is(target error) bool { return target == ErrServiceUnknown }

// timedOut is a dial that nobody answered, in the words of QUIC. It is a net.Error.
type timedOut struct{ text string }

func (e *timedOut) Error() string { return e.text }

// Timeout implements net.Error.
func (e *timedOut) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *timedOut) Temporary() bool { return true }

// Is makes it what a deadline in a context makes.
func (e *timedOut) Is(target error) bool { return target == os.ErrDeadlineExceeded }
