package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"receptor/cli/receptorctl/client"
)

const connectDescription = `Joins standard input and output to a service of a node. The end of the input is
passed on, and what still comes back is shown: it works in pipes too.

On a terminal, lines are sent as they are entered; Ctrl-D ends the input, Ctrl-C
leaves. With --raw every key is sent as it is typed, Ctrl-C included. To leave then:
  ~.       at the beginning of a line (~~ sends one ~)
  Ctrl-]   anywhere`

func (t *tool) connectCommand() *cli.Command {
	return &cli.Command{
		Name: "connect", Usage: "Connect the local terminal to a Receptor service on a remote node.",
		ArgsUsage: "NODE SERVICE", Description: connectDescription,
		Flags: []cli.Flag{
			toggle("raw", "r", "set the terminal to raw mode"),
			nodeTLSFlag(),
		},
		Action: t.connect,
	}
}

func nodeTLSFlag() cli.Flag {
	return &cli.StringFlag{Name: "tls-client",
		Usage: "`NAME` of the TLS client which our node uses to connect to the remote node"}
}

func (t *tool) connect(c *cli.Context) error {
	args, err := arguments(c, "node", "service")
	if err != nil {
		return err
	}
	s, err := t.open(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := connect(s, args[0], args[1], c.String("tls-client")); err != nil {
		return err
	}
	if c.Bool("raw") && isTerminal(t.in) {
		err = t.bridgeRaw(c.Context, s, args[1]+" of "+args[0])
	} else {
		err = bridge(c.Context, s, t.in, t.out)
	}
	if isTerminal(t.out) {
		err = errors.Join(err, t.print("\n"))
	}
	return err
}

// bridgeRaw is bridge with every key sent as it is typed.
func (t *tool) bridgeRaw(ctx context.Context, s *client.Session, to string) (err error) {
	keys := int(t.in.(*os.File).Fd())
	before, err := term.MakeRaw(keys)
	if err != nil {
		return fmt.Errorf("set terminal to raw mode: %w", err)
	}
	defer func() { // whatever happens
		if restoreErr := term.Restore(keys, before); restoreErr != nil {
			err = errors.Join(err, fmt.Errorf("restore the terminal: %w", restoreErr))
		}
	}()
	t.note("Connected to " + to + ". To leave: ~. at the beginning of a line, or Ctrl-]")
	_, _ = fmt.Fprint(t.err, "\r") // a raw terminal does not return by itself
	return bridge(ctx, s, &escapeReader{src: t.in}, t.out)
}

// connect keeps the whole line of an error, as scripts know it.
func connect(s *client.Session, node, service, tlsName string) error {
	err := s.Connect(node, service, tlsName)
	if remote := (*client.RemoteError)(nil); errors.As(err, &remote) {
		return failed(exitError, "ERROR: %s", remote.Text)
	}
	return err
}

// bridge copies both ways until the far end has no more to say, or the user leaves.
func bridge(ctx context.Context, s *client.Session, in io.Reader, out io.Writer) error {
	sent, received := make(chan error, 1), make(chan error, 1)
	go func() { sent <- sendAll(s, in) }()
	go func() {
		_, err := copyFlat(out, s)
		received <- err
	}()
	var inputErr error
	for {
		select {
		case err := <-received:
			return errors.Join(inputErr, err)
		case inputErr = <-sent:
			if errors.Is(inputErr, errEscape) {
				return nil
			}
			sent = nil // the far end may still answer
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sendAll sends the input and its end. A connection that takes no more is not its
// error: what has come from the far end says more.
func sendAll(s *client.Session, in io.Reader) error {
	_, err := copyFlat(s, in)
	if errors.Is(err, errEscape) {
		return err
	}
	if network := (*net.OpError)(nil); errors.As(err, &network) {
		return nil
	}
	return errors.Join(err, s.CloseWrite())
}

// copyFlat is io.Copy in large pieces, whatever short cuts the two ends offer.
func copyFlat(dst io.Writer, src io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, make([]byte, client.CopyBuffer))
}
