package control

import (
	"io/fs"

	"receptor/transport"
	"receptor/transport/unixsock"
)

// ListenUnix binds a Unix socket for the control service.
func ListenUnix(path string, mode fs.FileMode) *transport.Binding[transport.StreamListener] {
	return unixsock.Listen(path, mode)
}
