package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Listener accepts links. AllowedPeers is nil when anyone may connect; a list
// that is given but empty lets nobody in.
type Listener struct {
	BindAddr     string
	Port         int
	Path         string // of WebSockets
	TLS          string // not over UDP
	Cost         float64
	NodeCost     map[string]float64
	AllowedPeers []string
}

// Peer is a neighbour this node dials.
type Peer struct {
	Address      string // a URL for WebSockets, else host:port
	Redial       bool
	ExtraHeader  string // of WebSockets
	TLS          string // not over UDP
	Cost         float64
	AllowedPeers []string
}

// What listeners and peers are without parameters.
var (
	anyListener = Listener{BindAddr: "0.0.0.0", Cost: 1}
	wsListener  = Listener{BindAddr: "0.0.0.0", Path: "/", Cost: 1}
	anyPeer     = Peer{Redial: true, Cost: 1}
)

var linkActions = []action{
	define(action{
		name: "tcp-listener", section: backends,
		about: "Accept links of other nodes over TCP.",
	}, anyListener, addListener(func(c *Config) *[]Listener { return &c.TCPListeners }, checkListenPort), listenerParams(tlsOfListener())...),
	define(action{
		name: "tcp-peer", section: backends,
		about: "Keep a link to another node over TCP.",
	}, anyPeer, addPeer(func(c *Config) *[]Peer { return &c.TCPPeers }, checkTCPPeer), peerParams("host:port to dial.", tlsOfPeer("tls-client. Without it the link is not encrypted."))...),
	define(action{
		name: "udp-listener", section: backends,
		about: "Accept links of other nodes over UDP.",
	}, anyListener, addListener(func(c *Config) *[]Listener { return &c.UDPListeners }, checkPort), listenerParams()...),
	define(action{
		name: "udp-peer", section: backends,
		about: "Keep a link to another node over UDP.",
	}, anyPeer, addPeer(func(c *Config) *[]Peer { return &c.UDPPeers }, checkUDPPeer), peerParams("host:port to send to.")...),
	define(action{
		name: "ws-listener", section: backends,
		about: "Accept links of other nodes over WebSocket.",
	}, wsListener, addListener(func(c *Config) *[]Listener { return &c.WSListeners }, checkListenPort), listenerParams(
		with("path", 0, "Path of the URL; / is every path.",
			func(l *Listener) *string { return &l.Path }),
		tlsOfListener())...),
	define(action{
		name: "ws-peer", section: backends,
		about: "Keep a link to another node over WebSocket.",
	}, anyPeer, addPeer(func(c *Config) *[]Peer { return &c.WSPeers }, checkWSPeer), peerParams("ws:// or wss:// URL to dial.",
		with("extraheader", secret, "A header to add to the request, key:value.",
			func(p *Peer) *string { return &p.ExtraHeader }),
		tlsOfPeer(`tls-client of a wss:// URL. Without it: the one called "default".`))...),
}

// listenerParams are those of every listener, and its own.
func listenerParams(own ...param) []param {
	return slices.Concat([]param{
		with("bindaddr", 0, "Address to listen on; empty for all.",
			func(l *Listener) *string { return &l.BindAddr }),
		with("port", required|bare, "Port to listen on; 0 for any that is free.",
			func(l *Listener) *int { return &l.Port }),
	}, own, []param{
		with("cost", 0, "Cost of a link. Both ends must agree on it.",
			func(l *Listener) *float64 { return &l.Cost }),
		with("nodecost", 0, "Cost of the link to a node, by node ID.",
			func(l *Listener) *map[string]float64 { return &l.NodeCost }),
		with("allowedpeers", 0, "Node IDs that may connect. Without it: all.",
			func(l *Listener) *[]string { return &l.AllowedPeers }),
	})
}

// peerParams are those of every peer, and its own.
func peerParams(address string, own ...param) []param {
	return slices.Concat([]param{
		with("address", required|bare|nonEmpty, address,
			func(p *Peer) *string { return &p.Address }),
		with("redial", 0, "Dial again when the link is lost.",
			func(p *Peer) *bool { return &p.Redial }),
	}, own, []param{
		with("cost", 0, "Cost of the link. Both ends must agree on it.",
			func(p *Peer) *float64 { return &p.Cost }),
		with("allowedpeers", 0, "Node IDs that may answer. Without it: all.",
			func(p *Peer) *[]string { return &p.AllowedPeers }),
	})
}

func tlsOfListener() param {
	return with("tls", namesServer, "tls-server. Without it links are not encrypted.",
		func(l *Listener) *string { return &l.TLS })
}

func tlsOfPeer(about string) param {
	return with("tls", namesClient, about, func(p *Peer) *string { return &p.TLS })
}

// addListener takes a listener into a list of the Config.
func addListener(list func(*Config) *[]Listener, checkPort func(int) error) func(*Config, *Listener) error {
	return func(c *Config, l *Listener) error {
		if err := checkCost(l.Cost, l.NodeCost); err != nil {
			return err
		}
		if l.Path != "" && !strings.HasPrefix(l.Path, "/") {
			return fmt.Errorf("path %q does not begin with /", l.Path)
		}
		if err := checkPort(l.Port); err != nil {
			return err
		}
		*list(c) = append(*list(c), *l)
		return nil
	}
}

// addPeer takes a peer into a list of the Config.
func addPeer(list func(*Config) *[]Peer, check func(*Config, *Peer) error) func(*Config, *Peer) error {
	return func(c *Config, p *Peer) error {
		if err := checkCost(p.Cost, nil); err != nil {
			return err
		}
		if err := check(c, p); err != nil {
			return err
		}
		*list(c) = append(*list(c), *p)
		return nil
	}
}

func checkTCPPeer(_ *Config, p *Peer) error {
	_, _, err := net.SplitHostPort(p.Address)
	return err
}

func checkUDPPeer(_ *Config, p *Peer) error { return checkAddress(p.Address) }

// A URL of another scheme is warned of, and left to the dialler, which says so each
// time: the node is of use without this one link.
func checkWSPeer(c *Config, p *Peer) error {
	u, err := url.Parse(p.Address)
	if err != nil {
		return fmt.Errorf("address %s is not a valid URL: %w", p.Address, err)
	}
	if p.ExtraHeader != "" && !strings.Contains(p.ExtraHeader, ":") {
		return errors.New("extra header must be in the form key:value")
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		c.warn(fmt.Sprintf("ws-peer %s can't be dialled: its address has to begin with ws:// or wss://", u.Redacted()))
	case p.TLS != "" && u.Scheme == "ws":
		c.warn(fmt.Sprintf("ws-peer %s is not encrypted: tls has no effect without wss://", u.Redacted()))
	}
	return nil
}

// checkAddress wants host:port; the port may have a name.
func checkAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(port); err == nil {
		return checkPort(n)
	}
	return nil
}
