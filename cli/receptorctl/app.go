package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

const description = `Asks a node for its state and gives it work, through its control service.

The control service is found from --socket, from RECEPTORCTL_SOCKET, or from the
node's own configuration file (--config, RECEPTORCTL_CONFIG): the first
control-service with a filename.

Options may stand before or after arguments; "--" ends them. Every command explains
itself with --help, and all that ask the node print JSON with --json. A failure that is
not part of the answer is then a line of its own on standard output:
  {"error": "Socket path does not exist: /run/foo.sock", "note": "Is the node running?"}
On a terminal some print more than elsewhere: see ping, traceroute and work list.
Colours and progress bars are for terminals only.

Exit codes: 0 success, 1 error or failed unit, 2 a ping failed, 3 to 5 reload refused,
101 work not accepted, 128 and the number of the signal that ended it: 130 after Ctrl-C.`

// tool is one run of the program.
type tool struct {
	console
	settings settings
	pause    time.Duration // before results are asked for again
	checked  bool          // the version has been asked for
	far      far           // where commands go
	report   *reporting    // shared by all tools of the run
}

// far is a node that is asked by way of ours; the zero value is ours itself.
type far struct{ node, tlsName string }

// words are those that lead a command there.
func (f far) words() []string {
	var words []string
	if f.node != "" {
		words = append(words, "--node", f.node)
	}
	if f.tlsName != "" {
		words = append(words, "--tls-client", f.tlsName)
	}
	return words
}

// app is the command table.
func (t *tool) app() *cli.App {
	return &cli.App{
		Name:        "receptorctl",
		Usage:       "talk to a Receptor node",
		Description: description,
		Version:     version,
		Reader:      t.in, Writer: t.out, ErrWriter: t.err,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Flags:                     globalFlags(),
		Before: func(c *cli.Context) error {
			t.settings = readSettings(c)
			return nil
		},
		Commands: []*cli.Command{
			t.statusCommand(), t.pingCommand(), t.tracerouteCommand(), t.treeCommand(), t.topCommand(), t.eventsCommand(), t.actCommand(),
			t.connectCommand(), t.workCommand(), t.reloadCommand(), t.versionCommand(),
			t.doctorCommand(), t.completionCommand(), t.manCommand(), t.completeCommand(),
		},
	}
}

const skipVerify = "insecureskipverify"

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "socket", EnvVars: []string{"RECEPTORCTL_SOCKET"}, DefaultText: "from --config",
			Usage: "`ADDRESS` of the control service: PATH, unix:PATH, tcp://HOST:PORT or tls://HOST:PORT"},
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, EnvVars: []string{"RECEPTORCTL_CONFIG"},
			Usage: "configuration `FILE` of the node: where to look for the socket and for --tls-client"},
		&cli.StringFlag{Name: "tls-client", EnvVars: []string{"RECEPTORCTL_TLSCLIENT"},
			Usage: "`NAME` of the tls-client in the configuration file to connect with"},
		&cli.StringFlag{Name: "rootcas", Usage: "`FILE` of certificates to trust instead of the system's"},
		&cli.StringFlag{Name: "key", Usage: "`FILE` of the client's private key"},
		&cli.StringFlag{Name: "cert", Usage: "`FILE` of the client's certificate"},
		&cli.StringFlag{Name: skipVerify, DefaultText: "false",
			Usage: "accept any server certificate (`BOOLEAN`)"},
	}
}

func jsonFlag(usage string) cli.Flag { return toggle("json", "", usage) }

// dial connects to the node.
func (t *tool) dial(ctx context.Context) (*client.Session, error) {
	addr, secure, err := t.settings.resolve()
	if err != nil {
		return nil, err
	}
	if !addr.TLS {
		return client.Dial(ctx, addr, nil)
	}
	cfg, err := secure.Config()
	if err != nil {
		return nil, err
	}
	return client.Dial(ctx, addr, cfg)
}

const askVersion = `{"command":"status","requested_fields":["Version"]}`

// open is dial, and on the first connection the version is compared: the question
// travels with the first command. From there it goes on to the far node, if there is
// one.
func (t *tool) open(ctx context.Context) (*client.Session, error) {
	s, err := t.dial(ctx)
	if err == nil && !t.checked {
		s.Ahead(askVersion, func(reply json.RawMessage, _ error) { t.compareVersion(reply) })
	}
	if err != nil || t.far.node == "" {
		return s, err
	}
	err = connect(s, t.far.node, "control", t.far.tlsName)
	if err == nil {
		err = s.Handshake()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// at is the tool for the control service of another node; for ours if that has no name.
func (t *tool) at(node, tlsName string) *tool {
	there := *t
	there.far = far{node, tlsName}
	return &there
}

// openAt is open at another node.
func (t *tool) openAt(ctx context.Context, node, tlsName string) (*client.Session, error) {
	return t.at(node, tlsName).open(ctx)
}

// compareVersion warns once. A node that does not say its version differs too.
func (t *tool) compareVersion(reply json.RawMessage) {
	if t.checked {
		return
	}
	t.checked = true
	if v, err := nodeVersion(reply); err != nil || v != version {
		t.warn("receptorctl and receptor are different versions, they may not be compatible")
	}
}

func nodeVersion(reply json.RawMessage) (string, error) {
	var r struct{ Version string }
	if err := json.Unmarshal(reply, &r); err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	return r.Version, nil
}

// ask sends one command on a connection of its own.
func (t *tool) ask(ctx context.Context, words ...string) (json.RawMessage, error) {
	line, err := client.Line(words...)
	if err != nil {
		return nil, err
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Command(line)
}
