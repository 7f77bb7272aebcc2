package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are handed out below the range from which the kernel takes those of
// outgoing connections (32768 and up), and each only once.
const (
	firstPort = 20000
	ports     = 12000
)

var handedOut sync.Map

// FreePort is a TCP port of the loopback interface that nobody uses now.
func FreePort() (int, error) {
	for range ports {
		port := firstPort + rand.IntN(ports)
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue // somebody else has it
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port found")
}
