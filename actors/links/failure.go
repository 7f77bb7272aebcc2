package links

import (
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"receptor/actors/supervise"
)

// errGaveUp is a neighbour that never said who it is.
var errGaveUp = errors.New("giving up on connection initialization")

// errRejected is a neighbour that does not want us.
var errRejected = errors.New("remote node rejected the connection")

// dialError is a connection that could not be opened.
type dialError struct{ text string }

func (e *dialError) Error() string { return e.text }

// lostError is a connection that ended.
type lostError struct{ text string }

func (e *lostError) Error() string { return e.text }

// rejectError is a neighbour that we do not want.
type rejectError struct{ self, node, reason string }

func (e *rejectError) Error() string {
	return fmt.Sprintf("%s: rejected connection with node %s because %s", e.self, e.node, e.reason)
}

// strangerError ends a connection that was never a neighbour's. Anybody can make as
// many as they like.
type strangerError struct{ error }

func (e *strangerError) Unwrap() error { return e.error }

// logEnd writes what the failure of a link means to an operator, as the existing
// nodes word it. What is no *supervise.Failure is a bug and logged where it goes.
func logEnd(log zerolog.Logger, addr string, reason any, redial bool) {
	var failure *supervise.Failure
	if err, ok := reason.(error); !ok || !errors.As(err, &failure) {
		return
	}
	var (
		dial   *dialError
		reject *rejectError
	)
	switch {
	case errors.As(failure.Err, &dial) && redial:
		log.Warn().Msgf("Backend connection failed (will retry): %v", dial)
		return
	case errors.As(failure.Err, &dial):
		log.Error().Msgf("Backend connection failed: %v", dial)
		return
	case errors.As(failure.Err, &reject):
		log.Warn().Str("addr", addr).Msgf("Backend error: %v", reject)
		return
	case errors.Is(failure.Err, errRejected):
		log.Warn().Str("addr", addr).Msg("Received a rejection message from peer.")
		return
	}
	if redial {
		log.Warn().Str("addr", addr).Str("err", failure.Error()).Msg("Backend connection exited (will retry)")
		return
	}
	log.Warn().Str("addr", addr).Str("err", failure.Error()).Msg("Backend connection exited")
}
