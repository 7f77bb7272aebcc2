package control

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport"
)

// seat is the place of a client in the crowd of its listener. While the client has no
// command under way another one may get the place.
type seat struct {
	conn  transport.StreamConn
	crowd *transport.Crowd
	given func() // tells the acceptor that the place is another's now
	lost  atomic.Bool
}

// Close is how the crowd asks for the place: the session wakes up, says so, and ends.
func (s *seat) Close() error {
	s.lost.Store(true)
	s.given()
	return s.conn.SetReadDeadline(time.Unix(1, 0))
}

// keep holds the place for a command. It is false if another one has it.
func (s *seat) keep() bool { return s.crowd.Busy(s) }

// offer lets others have the place until keep.
func (s *seat) offer() { s.crowd.Idle(s) }

// leave gives the place up.
func (s *seat) leave() { s.crowd.Leave(s) }

// seatsOf is how many clients may be at a listener at a time. Those that may be
// strangers get a quarter of the file descriptors at most: local clients need some.
func seatsOf(l Listener) int {
	seats := l.MaxConns
	if seats == 0 {
		seats = DefaultMaxConns
	}
	var files unix.Rlimit
	if l.Trusted || unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil { // fails on bad addresses only
		return seats
	}
	return strangers(seats, files.Cur)
}

func strangers(seats int, files uint64) int { return max(1, int(min(uint64(seats), files/4))) }
