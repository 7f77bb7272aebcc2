package client

import (
	"errors"
	"fmt"
)

// ErrClosed says that the node closed the connection where a reply was due.
var ErrClosed = errors.New("the node closed the connection without an answer")

// AddressError is an address of no known form.
type AddressError struct{ Text string }

func (e *AddressError) Error() string { return "invalid socket address " + e.Text }

// NoSocketError is a path where nothing is.
type NoSocketError struct{ Path string }

func (e *NoSocketError) Error() string { return "socket path does not exist: " + e.Path }

// DialError is a connection that could not be made, TLS included.
type DialError struct {
	Addr Address
	Err  error
}

func (e *DialError) Error() string { return fmt.Sprintf("connect to %s: %v", e.Addr, e.Err) }
func (e *DialError) Unwrap() error { return e.Err }

// BannerError is a connection to something that does not speak the control
// protocol, or does not speak at all.
type BannerError struct {
	Got string // the first line, if there was one
	Err error  // why there was none
}

func (e *BannerError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("no control service there: %v", e.Err)
	}
	return fmt.Sprintf("no control service there: it begins with %.60q", e.Got)
}
func (e *BannerError) Unwrap() error { return e.Err }

// RemoteError is what the node answered after "ERROR: ".
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return e.Text }

// ReplyError is a reply that is neither an error nor what the command promises.
type ReplyError struct{ Line string }

func (e *ReplyError) Error() string { return fmt.Sprintf("unexpected reply: %.200q", e.Line) }

// UploadError is a payload that did not arrive as a whole. The unit exists.
type UploadError struct{ Err error }

func (e *UploadError) Error() string { return fmt.Sprintf("send payload: %v", e.Err) }
func (e *UploadError) Unwrap() error { return e.Err }
