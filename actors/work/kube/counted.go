package kube

import (
	"errors"
	"io"
	"sync"
)

// counted knows how much of an input was read. The library does not say whether it
// could write what it read; but it reads the end only after it has written the rest.
type counted struct {
	in io.Reader

	mu    sync.Mutex
	read  int64
	began bool
	whole bool
}

func (c *counted) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.began = true
	c.mu.Unlock()
	n, err := c.in.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read += int64(n)
	c.whole = c.whole || errors.Is(err, io.EOF)
	return n, err
}

func (c *counted) state() (began bool, read int64, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began, c.read, c.whole
}
