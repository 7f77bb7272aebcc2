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

// FreePort is a port of the loopback interface that nobody uses now, neither for
// TCP nor for UDP.
func FreePort() (int, error) {
	for range ports {
		port := firstPort + rand.IntN(ports)
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			continue // somebody else has it
		}
		p, err := net.ListenPacket("udp4", addr)
		if err != nil {
			if err := l.Close(); err != nil {
				return 0, err
			}
			continue
		}
		return port, errors.Join(l.Close(), p.Close())
	}
	return 0, errors.New("no free port found")
}
