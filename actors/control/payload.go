package control

import (
	"bytes"
	"io"
	"os"
)

// Levels of payload tracing, as the existing system has them.
const (
	traceSource  = 1
	traceUnit    = 2
	tracePayload = 3
	// maxTraced bounds how much of a payload stands in the log.
	maxTraced = 64 << 10
)

// payloadTrace returns what logs a payload that was stored at path, if that is asked
// for. It reads the file, so nothing about the transfer changes.
func (c *connection) payloadTrace(path string) func() {
	level, log, unit := c.cfg.PayloadTrace, c.cfg.Log, c.unit
	if level < traceSource || level > tracePayload || !log.Debug().Enabled() {
		return func() {}
	}
	source := "network connection"
	if c.cfg.Trusted {
		source = "unix socket"
	}
	return func() {
		text := "PACKET TRACING ENABLED: Reading from " + source
		if level >= traceUnit {
			text += " with work unit " + unit
		}
		if level >= tracePayload {
			payload, err := head(path)
			if err != nil {
				log.Warn().Str("unit", unit).Err(err).Msg("payload can't be traced")
				return
			}
			text += " with a payload of: " + payload
		}
		log.Debug().Msg(text)
	}
}

// head is the beginning of a file, and a sign if that is not all.
func head(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxTraced+1))
	if len(text) > maxTraced {
		return string(text[:maxTraced]) + "...", err
	}
	return string(bytes.TrimSuffix(text, []byte("\n"))), err
}
