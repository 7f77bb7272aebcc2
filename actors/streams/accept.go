package streams

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// acceptStreams takes streams off an accepted connection until it ends. A slow
// peer keeps nobody waiting: each stream has its own goroutine until its first
// byte is read and a reader takes it.
func (p *pump) acceptStreams(wg *sync.WaitGroup) {
	if !p.life.shared {
		p.acceptOnly()
		return
	}
	for {
		qs, err := p.conn.AcceptStream(p.conn.Context())
		if err != nil {
			return // the connection ended; serve knows why
		}
		if !p.acquire() { // the dialer has not heard of it yet
			qs.CancelRead(codeCancelRead)
			qs.CancelWrite(codeAbort)
			continue
		}
		s := p.newStream(qs)
		wg.Go(func() {
			if err := s.receive(); err != nil {
				p.refuse(s, err)
				return
			}
			p.accept.deliver(s)
		})
	}
}

// acceptOnly takes the one stream of an old peer.
func (p *pump) acceptOnly() {
	if !p.acquire() {
		return
	}
	ctx, cancel := context.WithTimeout(p.conn.Context(), markerWait)
	defer cancel()
	qs, err := p.conn.AcceptStream(ctx)
	if err != nil {
		p.closeConn(codeSetUp, reasonAccept)
		return
	}
	s := p.newStream(qs)
	if err := s.receive(); err != nil {
		p.closeConn(codeSetUp, reasonMarker)
		return
	}
	p.accept.deliver(s)
}

// receive reads the marker of a stream that the peer opened, and answers it if
// the peer is one of ours.
func (s *stream) receive() error {
	if err := s.quic.SetReadDeadline(time.Now().Add(markerWait)); err != nil {
		return err
	}
	if err := readMarker(s.quic); err != nil {
		return err
	}
	if err := s.quic.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if !s.pump.life.shared {
		return nil
	}
	return s.owe()
}

// refuse ends a stream that was never delivered.
func (p *pump) refuse(s *stream, err error) {
	p.net.log.Debug().Err(err).Str("node", p.key.node).Str("service", p.local).Msg("stream refused")
	s.Abort()
}

// admitted returns a pump for a connection that a listener has accepted.
func (n *Network) admitted(l *listener, conn *quic.Conn, node string) *pump {
	p := newPump(n, key{node: node})
	p.accept, p.conn, p.local = l, conn, l.service
	return p
}
