package peer

import (
	"encoding/json"
	"fmt"
	"time"

	"receptor/actors/work/unit"
)

// silence is how long a watch may say nothing: peers speak every 10 s.
const silence = 25 * time.Second

// Change is one piece of news from a watch.
type Change struct {
	UnitID string
	Gone   bool // there is no such unit, or not any more
	Status
}

// Watch makes the session a watch over many units. Only peers with FeatureWatch
// understand it.
func (s *Session) Watch() error { return s.write([]byte("work watchunits\n")) }

// Want says of which units news is wanted ("+ID") and of which not any more
// ("-ID"), each on a line.
func (s *Session) Want(lines []byte) error { return s.write(lines) }

// Next waits for the next change. A peer that has become silent is an error.
func (s *Session) Next() (Change, error) {
	for {
		line, err := s.reply(silence)
		if err != nil {
			return Change{}, err
		}
		if err := refusal(line); err != nil {
			return Change{}, err
		}
		var c Change
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			return c, fmt.Errorf("malformed change %.80q: %w", line, err)
		}
		if c.State < unit.Pending || c.State > unit.Canceled || c.StdoutSize < 0 {
			return c, fmt.Errorf("impossible change %.80q", line)
		}
		if c.UnitID != "" {
			return c, nil
		}
	}
}
