// Package payload logs where the payload of work is read from, and what it says, for
// those who ask for that: it may hold secrets, and is meant for nobody else's log.
package payload

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/rs/zerolog"
)

// Where payloads come from, in the words of the existing system.
const (
	FromUnixSocket = "unix socket"
	FromNetwork    = "network connection"
	FromStdin      = "stdin"    // a command of this node takes it
	FromKube       = "kube api" // a pod gets it
)

// Trace is how much is logged, at level debug: 1 where a payload comes from, 2 the unit
// too, 3 the payload itself. With any other number nothing is.
type Trace int

const (
	source  Trace = 1
	unit    Trace = 2
	content Trace = 3
	// maxTraced bounds how much of a payload stands in the log.
	maxTraced = 64 << 10
)

// Log tells of the payload of a unit, which lies in a file. Nothing about the file or
// its transfer changes.
func (t Trace) Log(log zerolog.Logger, from, id, path string) {
	if t < source || t > content || !log.Debug().Enabled() {
		return
	}
	text := "PACKET TRACING ENABLED: Reading from " + from
	if t >= unit {
		text += " with work unit " + id
	}
	if t >= content {
		payload, err := head(path)
		if err != nil {
			log.Warn().Str("unit", id).Err(err).Msg("payload can't be traced")
			return
		}
		text += " with a payload of: " + payload
	}
	log.Debug().Msg(text)
}

// head is the beginning of a file, and a sign if that is not all.
func head(path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(io.LimitReader(f, maxTraced+1))
	if len(text) > maxTraced {
		return string(text[:maxTraced]) + "...", err
	}
	return string(bytes.TrimSuffix(text, []byte("\n"))), err
}
