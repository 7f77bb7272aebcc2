package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	inspectv1 "receptor/proto/inspect/v1"
)

const (
	// maxStreams is how many clients follow the events at a time.
	maxStreams = 16
	// beat keeps a quiet stream from looking dead to what is on its way.
	beat = 15 * time.Second
	// writeLimit is how long a client may take for one event.
	writeLimit = 10 * time.Second
)

// events streams what happens as server-sent events: first what the journal still
// has after ?after= or the header Last-Event-ID, then all that comes.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	after, err := since(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	journal := h.src.Inspector.Journal()
	if !journal.On() {
		http.Error(w, "events are kept in debug mode only: start the node with --debug, or add debug to its configuration and reload that", http.StatusNotFound)
		return
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		w.Header().Set("Connection", "close") // many at once are to leave at once
		http.Error(w, fmt.Sprintf("%d clients follow the events already", maxStreams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := &eventStream{w: w, c: http.NewResponseController(w)}
	if out.write(": receptor\n\n") != nil {
		return
	}
	follow(r.Context(), journal.Follow, after, out)
}

func since(r *http.Request) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.FormValue("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &errBadQuery{"after is to be the number of an event, not " + strconv.Quote(text)}
	}
	return n, nil
}

// follow writes events until the client is gone, and a comment when there was none
// for a while.
func follow(ctx context.Context, journal func(context.Context, uint64, func(*inspectv1.Event) error) error, after uint64, out *eventStream) {
	for {
		quiet, cancel := context.WithTimeout(ctx, beat)
		err := journal(quiet, after, func(e *inspectv1.Event) error {
			after = e.GetSequence()
			return out.event(e)
		})
		cancel()
		if ctx.Err() != nil || err != nil || out.write(": quiet\n\n") != nil {
			return // the client is gone, or can't keep up
		}
	}
}

// eventStream writes to one client.
type eventStream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func (s *eventStream) event(e *inspectv1.Event) error {
	text, err := jsonForm.Marshal(e)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("id: %d\ndata: %s\n\n", e.GetSequence(), text))
}

func (s *eventStream) write(text string) error {
	if err := s.c.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.c.Flush()
}
