package probe

import (
	"strings"
	"sync"
)

// Text keeps what is written to it, by any goroutine: mostly a log.
type Text struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *Text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
