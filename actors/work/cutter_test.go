package work_test

import (
	"net"
	"regexp"
	"strconv"
	"sync"
)

// cutter breaks each connection that submits a unit with the parameter "cut" once,
// when that many bytes have gone one way: "up 120" or "down 30".
type cutter struct {
	mu      sync.Mutex
	done    map[string]bool
	streams map[string]int // sessions by what they were for
}

func (c *cutter) counted(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[what]
}

// first reports whether this is to be cut now.
func (c *cutter) first(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done[what] {
		return false
	}
	c.done[what] = true
	return true
}

var (
	cutParam   = regexp.MustCompile(`"cut":"(up|down) ([0-9]+)"`)
	subcommand = regexp.MustCompile(`^work ([a-z]+)|"subcommand":"([a-z]+)"`)
)

// cutConn is a connection of the near node.
type cutConn struct {
	*net.TCPConn
	cutter   *cutter
	mu       sync.Mutex
	way      string
	at       int // -1: of no interest
	up, down int
}

func (c *cutConn) Abort() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if m := cutParam.FindSubmatch(b); m != nil && c.cutter.first(string(m[0])) {
		c.way = string(m[1])
		c.at, _ = strconv.Atoi(string(m[2]))
	}
	if m := subcommand.FindStringSubmatch(string(b)); m != nil {
		c.cutter.mu.Lock()
		if c.cutter.streams == nil {
			c.cutter.streams = map[string]int{}
		}
		c.cutter.streams[m[1]+m[2]]++
		c.cutter.mu.Unlock()
	}
	room := len(b)
	if c.way == "up" {
		room = min(room, max(0, c.at-c.up))
	}
	c.up += room
	c.mu.Unlock()
	n, err := c.TCPConn.Write(b[:room])
	if err == nil && room < len(b) {
		c.Abort()
		err = net.ErrClosed
	}
	return n, err
}

// CloseWrite is one more thing that may get lost.
func (c *cutConn) CloseWrite() error {
	c.mu.Lock()
	lost := c.way == "up" && c.at > c.up
	c.mu.Unlock()
	if lost {
		c.Abort()
		return net.ErrClosed
	}
	return c.TCPConn.CloseWrite()
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down += n
	if c.way == "down" && c.down > c.at {
		n = max(0, n-(c.down-c.at))
		c.Abort()
		if n == 0 {
			return 0, net.ErrClosed
		}
	}
	return n, err
}
