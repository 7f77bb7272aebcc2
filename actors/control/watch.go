package control

import (
	"context"
	"io"
	"strings"
	"time"

	"receptor/actors/control/command"
	workv1 "receptor/proto/work/v1"
)

// watchPatience is how long a client may take nothing of what it watches.
const watchPatience = 30 * time.Second

// watchUnits serves a client that watches many units on one stream.
func (s *session) watchUnits(feeds Feeds) {
	s.give(func() (next, error) {
		ctx, stop := context.WithCancel(s.ctx)
		defer stop()
		asked := make(chan string, 64)
		s.wg.Go(func() {
			defer stop()
			s.readAsked(ctx, asked)
		})
		s.midway.Store(true)
		err := feeds.WatchUnits(ctx, asked, s.tellChanged)
		if ctx.Err() != nil {
			err = nil // the client left
		}
		s.midway.Store(false)
		if err != nil {
			return readLine, err
		}
		return readLine, io.EOF
	})
}

// readAsked reads which units the client wants, until it leaves or says what
// can't be one.
func (s *session) readAsked(ctx context.Context, asked chan<- string) {
	for {
		line, err := s.in.r.ReadSlice('\n')
		if err != nil {
			return
		}
		select {
		case asked <- strings.TrimSpace(string(line)):
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) tellChanged(changed []*workv1.Status) error {
	text := []byte(command.KeepAlive)
	if len(changed) > 0 {
		text = nil
	}
	for _, status := range changed {
		text = append(text, command.WatchedUnit(status)...)
	}
	return s.writeInTime(text)
}
