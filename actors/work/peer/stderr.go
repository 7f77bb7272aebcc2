package peer

import (
	"io"
	"strings"
	"time"
)

// OpenErrors asks for the standard error of a unit from an offset on. Peers of the
// existing system have none: ErrNotSupported. CopyTo must follow.
func (s *Session) OpenErrors(id string, offset int64, follow bool) error {
	err := s.command(map[string]any{"subcommand": "stderr", "unitid": id, "startpos": offset, "follow": follow})
	if err != nil {
		return err
	}
	line, err := s.reply(replyWait)
	if err != nil {
		return err
	}
	if err := refusal(line); err != nil {
		return err
	}
	if !strings.HasPrefix(line, "Streaming stderr") {
		return &RefusedError{Text: "could not parse response: " + line}
	}
	return s.conn.SetReadDeadline(time.Time{})
}

// CopyTo copies what was opened until the peer ends the stream.
func (s *Session) CopyTo(w io.Writer) error {
	s.unfinished.Store(true)
	err := copyGrowing(w, s.in)
	s.unfinished.Store(err != nil)
	return err
}
