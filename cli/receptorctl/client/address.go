package client

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Address says where a control service listens.
type Address struct {
	// Network is "unix" or "tcp".
	Network string
	// Path of the socket file, for "unix".
	Path string
	// Host and Port, for "tcp".
	Host, Port string
	// TLS asks for TLS on top of TCP.
	TLS bool
}

// String is the form ParseAddress takes.
func (a Address) String() string {
	if a.Network == "unix" {
		return a.Path
	}
	scheme := "tcp"
	if a.TLS {
		scheme = "tls"
	}
	return scheme + "://" + a.Host + ":" + a.Port
}

// The host may be an IPv6 address, with or without brackets.
var (
	unixForm  = regexp.MustCompile(`^unix:(?://)?(.+)$`)
	tcpForm   = regexp.MustCompile(`^(tcp|tls):(?://)?([a-zA-Z0-9.:-]+|\[[a-fA-F0-9.:]+\]):([0-9]+)$`)
	plainForm = regexp.MustCompile(`^([^:]+|[/.~].*)$`)
)

// ParseAddress understands PATH, unix:PATH, unix://PATH, tcp:HOST:PORT and
// tls:HOST:PORT, the latter two also with slashes. A leading ~ is the home directory.
func ParseAddress(text string) (Address, error) {
	if m := unixForm.FindStringSubmatch(text); m != nil {
		return Address{Network: "unix", Path: expandHome(m[1])}, nil
	}
	if m := tcpForm.FindStringSubmatch(text); m != nil {
		return Address{Network: "tcp", TLS: m[1] == "tls", Host: strings.Trim(m[2], "[]"), Port: m[3]}, nil
	}
	if plainForm.MatchString(text) {
		return Address{Network: "unix", Path: expandHome(text)}, nil
	}
	return Address{}, &AddressError{Text: text}
}

func expandHome(path string) string {
	rest, found := strings.CutPrefix(path, "~")
	if !found || (rest != "" && rest[0] != '/') {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path // a socket whose name begins with ~, as far as anyone can tell
	}
	return filepath.Join(home, rest)
}
