package client

import (
	"encoding/json"
	"fmt"
	"regexp"
)

var errorsForm = regexp.MustCompile(`^Streaming stderr for work unit (.+)$`)

// Errors asks for what a unit wrote to standard error, from an offset on; with follow
// until the unit has ended. Read then returns it as it comes. Nodes of other makes
// know no such command.
func (s *Session) Errors(unit string, from int64, follow bool) error {
	line, err := json.Marshal(struct {
		Command    string `json:"command"`
		Subcommand string `json:"subcommand"`
		Unit       string `json:"unitid"`
		From       int64  `json:"startpos"`
		Follow     bool   `json:"follow"`
	}{"work", "stderr", unit, from, follow})
	if err != nil {
		return fmt.Errorf("encode command: %w", err)
	}
	reply, err := s.exchange(string(line))
	if err != nil {
		return err
	}
	if !errorsForm.MatchString(reply) {
		return &ReplyError{Line: reply}
	}
	return nil
}
