package peer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"receptor/transport"
)

// keyMember is the member of a submit that names it. Old peers would take it for
// a parameter of the work.
const keyMember = "submitkey"

// Features of a peer beyond the existing system.
const (
	FeatureKey   = "submitkey"
	FeatureWatch = "watchunits"
)

// Features is what a peer can do.
type Features []string

// Has reports whether the peer has a feature.
func (f Features) Has(name string) bool { return slices.Contains(f, name) }

// Ask opens a session and asks what the peer can do. The question does not wait
// for the banner, so it costs no time; peers that don't know it say so.
func Ask(ctx context.Context, dial transport.DialStream, node, tlsName string) (*Session, Features, error) {
	question := []byte("work features\n")
	s, err := open(ctx, dial, node, tlsName, question)
	if err != nil {
		return nil, nil, err
	}
	features, err := s.features()
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, features, nil
}

func (s *Session) features() (Features, error) {
	line, err := s.reply(replyWait)
	if err != nil {
		return nil, err
	}
	if err := refusal(line); err != nil {
		return nil, nil //nolint:nilerr // it has none
	}
	var answer struct{ Features Features }
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return nil, errors.New("malformed list of features")
	}
	return answer.Features, nil
}
