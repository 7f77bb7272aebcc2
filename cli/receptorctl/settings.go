package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/receptorctl/client"
)

// settings are the global options.
type settings struct {
	socket, config, tlsClient string
	typed                     []string // global options of the command line, to repeat in a hint
	tls                       client.TLS
}

func readSettings(c *cli.Context) settings {
	s := settingsOf(c.String)
	fromEnv := map[string]string{
		"socket": "RECEPTORCTL_SOCKET", "config": "RECEPTORCTL_CONFIG", "tls-client": "RECEPTORCTL_TLSCLIENT",
	}
	for _, name := range []string{"socket", "config", "tls-client", "rootcas", "key", "cert", skipVerify} {
		if v := c.String(name); v != "" && v != os.Getenv(fromEnv[name]) {
			s.typed = append(s.typed, "--"+name, v)
		}
	}
	return s
}

// command is what to enter to ask the same node something else. The shell takes its
// words as they are, whatever a node calls itself.
func (s settings) command(words ...string) string {
	all := slices.Concat([]string{"receptorctl"}, s.typed, words)
	for i := range all {
		all[i] = word(all[i])
	}
	return strings.Join(all, " ")
}

// settingsOf reads them by the names of their options.
func settingsOf(value func(name string) string) settings {
	return settings{
		socket: value("socket"), config: value("config"), tlsClient: value("tls-client"),
		tls: client.TLS{
			RootCAs: value("rootcas"), Key: value("key"), Cert: value("cert"),
			SkipVerify: booleans[strings.ToLower(value(skipVerify))],
		},
	}
}

// resolve says where to connect and with which certificates. The configuration file
// is read only if something in it is needed.
func (s settings) resolve() (client.Address, client.TLS, error) {
	none := client.Address{}
	if s.config == "" {
		if s.socket == "" {
			return none, s.tls, s.noSocket("")
		}
		addr, err := client.ParseAddress(s.socket)
		return addr, s.tls, err
	}
	if s.tlsClient != "" && (s.tls.RootCAs != "" || s.tls.Key != "" || s.tls.Cert != "") {
		return none, s.tls, failed(exitError, "Cannot specify both config and rootcas, key, cert")
	}
	if s.socket != "" && s.tlsClient == "" {
		return s.withoutFile()
	}
	file, err := readConfig(s.config)
	if err != nil {
		return none, s.tls, err
	}
	return s.fromFile(file)
}

// withoutFile is a socket from elsewhere, and a configuration file which then could
// only have been meant for TLS.
func (s settings) withoutFile() (client.Address, client.TLS, error) {
	addr, err := client.ParseAddress(s.socket)
	if err == nil && addr.TLS && s.tls == (client.TLS{}) {
		err = failed(exitError, "Must specify both config and tlsclient")
	}
	return addr, s.tls, err
}

func (s settings) fromFile(file *nodeConfig) (client.Address, client.TLS, error) {
	secure := s.tls
	if s.tlsClient != "" {
		found, ok := file.tlsClients[s.tlsClient]
		if !ok {
			return client.Address{}, secure, failed(exitError, "No tls-client named '%s' in %s", s.tlsClient, s.config)
		}
		found.SkipVerify = found.SkipVerify || secure.SkipVerify
		secure = found
	}
	if s.socket != "" {
		addr, err := client.ParseAddress(s.socket)
		return addr, secure, err
	}
	if file.socket == "" {
		return client.Address{}, secure, s.noSocket(file.lacks)
	}
	return client.Address{Network: "unix", Path: file.socket}, secure, nil
}

// noSocket says where was looked, and what to do.
func (s settings) noSocket(lacks string) *failure {
	config := "not given"
	if s.config != "" {
		config = fmt.Sprintf("%s: %s", s.config, lacks)
	}
	f := failed(exitError, "Missing parameter: socket")
	f.note = `Where is the control service of the node? Looked at:
  --socket                         not given
  RECEPTORCTL_SOCKET               not set
  --config or RECEPTORCTL_CONFIG   ` + config + `
Name the socket which the node's control-service has as filename, for example
  receptorctl --socket /run/receptor/receptor.sock status
or the node's configuration file with --config.`
	return f
}
