package streams

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/quic-go/quic-go"
	_ "github.com/quic-go/quic-go/qlog" // names the format of the events
	"github.com/quic-go/quic-go/qlogwriter"
)

// quicConfig is for both ends of the connections of this network.
func (n *Network) quicConfig(dialer bool) *quic.Config {
	cfg := quicConfig(dialer)
	if n.qlogDir != "" {
		cfg.Tracer = n.trace
	}
	return cfg
}

// trace writes a log of one connection to a file of its own. A log that can't be
// written is no reason to be without the connection.
func (n *Network) trace(_ context.Context, client bool, id quic.ConnectionID) qlogwriter.Trace {
	side := "server"
	if client {
		side = "client"
	}
	path := filepath.Join(n.qlogDir, fmt.Sprintf("log_%s_%s.qlog", id, side))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		n.log.Debug().Err(err).Msg("failed to create qlog file at path: " + n.qlogDir)
		return nil
	}
	log := qlogwriter.NewConnectionFileSeq(&logFile{bufio.NewWriter(f), f}, client, id)
	go log.Run() // until the connection ends
	return log
}

// logFile writes when there is much, and at its end.
type logFile struct {
	*bufio.Writer
	file io.Closer
}

func (f *logFile) Close() error { return errors.Join(f.Flush(), f.file.Close()) }
