package control

import (
	"errors"
	"io"
	"syscall"

	"receptor/transport/bridge"
)

// minding runs do while the rest of the client's input is thrown away, and ends
// the session's context when the client is gone. A client that only closed its
// side of the connection is not: it still reads.
func (s *session) minding(do func() error) error {
	s.wg.Go(func() {
		_, err := io.Copy(io.Discard, s.in.r)
		if err == nil && !bridge.HungUp(s.conn) {
			return // whether it is there shows at the next write
		}
		s.cancel()
	})
	return do()
}

// SyscallConn lets the bridge see whether the client has hung up.
func (c *restConn) SyscallConn() (syscall.RawConn, error) {
	if t, ok := c.StreamConn.(syscall.Conn); ok {
		return t.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
