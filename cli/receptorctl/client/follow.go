package client

import (
	"encoding/json"
	"errors"
)

// Follow sends a command that is answered by many lines, and calls each with every
// one of them, until the node ends the session, the context of Dial ends, or each
// returns an error.
func (s *Session) Follow(line string, each func(json.RawMessage) error) error {
	if err := s.send(line); err != nil {
		return err
	}
	for first := true; ; first = false {
		reply, err := s.jsonReply()
		if errors.Is(err, ErrClosed) && !first {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(reply); err != nil {
			return err
		}
	}
}
