package control

import (
	"errors"
	"io"

	"receptor/transport"
)

// join copies both ways until both ways have ended. The end of one way is handed
// on as such, and the other stays open; an error ends both at once.
func join(near, far transport.StreamConn) error {
	ended := make(chan error, 2)
	pass := func(to, from transport.StreamConn) {
		_, err := io.Copy(to, from)
		if err == nil {
			err = to.CloseWrite()
		}
		if err != nil {
			_ = near.Close() // to wake the other way
			_ = far.Close()
		}
		ended <- err
	}
	go pass(far, near)
	go pass(near, far)
	first := <-ended
	second := <-ended
	return errors.Join(first, far.Close(), second)
}
