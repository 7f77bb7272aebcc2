package node

import (
	"errors"
	"net"
	"net/url"

	"receptor/actors/links"
	"receptor/actors/node/change"
	"receptor/transport"
	"receptor/transport/secure"
)

// This file takes a configuration apart. Nothing is opened here.

// part is one item of the configuration.
type part struct {
	change.Item
	make func(*plan) (*piece, error) // makes it ready for its family; nil for a setting
}

var errNoListeners = errors.New("no listeners specified")

// parts are all items, in the order in which they are opened.
func (c Config) parts() ([]part, error) {
	var all []part
	for _, list := range [][]part{c.settings(), c.tlsParts(), c.workParts(), c.linkParts(), c.serviceParts()} {
		all = append(all, list...)
	}
	control, err := c.controlParts()
	if err != nil {
		return nil, err
	}
	all = append(append(all, control...), c.httpParts()...)
	for i, it := range change.Number(items(all)) {
		all[i].Item = it
	}
	return all, nil
}

func items(parts []part) []change.Item {
	list := make([]change.Item, len(parts))
	for i, p := range parts {
		list[i] = p.Item
	}
	return list
}

func setting(key string, value any) part {
	return part{Item: change.Item{Key: key, Made: value, Setting: true}}
}

// logged is how much is logged.
type logged struct {
	Level    string
	Families map[string]string
}

func (c Config) settings() []part {
	return append(c.switches(),
		setting("log-level", logged{c.LogLevel, c.FamilyLevels}), setting("log-format", c.LogFormat),
		setting("node/maxidleconnectiontimeout", c.MaxIdle), setting("node/minfreedisk", c.MinFreeDisk),
		setting("node/remoteretention", c.RemoteRetention), setting("node/firewallrules", c.Firewall),
		setting("node/receptorkube", c.KubeClients),
		setting("work-signing", c.WorkSigning), setting("work-verification", c.WorkVerification),
	)
}

// switches are what is there or not.
func (c Config) switches() []part {
	var list []part
	if c.LocalOnly {
		list = append(list, setting("local-only", nil))
	}
	if c.Tracer != nil {
		list = append(list, setting("trace", nil))
	}
	if d := (debugging{c.Debug, c.Inspection}); d != (debugging{}) {
		list = append(list, setting("debug", d))
	}
	return list
}

const (
	tlsServer = "tls-server/"
	tlsClient = "tls-client/"
)

func (c Config) tlsParts() []part {
	var list []part
	for _, s := range c.TLSServers {
		list = append(list, setting(tlsServer+s.Name, s))
	}
	for _, s := range c.TLSClients {
		list = append(list, setting(tlsClient+s.Name, s))
	}
	return list
}

func (c Config) workParts() []part {
	var list []part
	for _, w := range c.WorkCommands {
		list = append(list, setting("work/"+w.Type, w))
	}
	for _, w := range c.WorkPython {
		list = append(list, setting("work/"+w.Type, w))
	}
	for _, w := range c.WorkKubernetes {
		list = append(list, setting("work/"+w.Type, w))
	}
	return list
}

// uses are the keys of TLS configurations; an empty name is none.
func uses(kind, name string) []string {
	if name == "" {
		return nil
	}
	return []string{kind + name}
}

// meshClients are the TLS clients with which services dial over the mesh. They look them
// up for each dial, and go on when one changes; it has to be there all the same.
func (c Config) meshClients() []string {
	var names []string
	for _, s := range c.TCPServers {
		names = append(names, s.TLSClient)
	}
	for _, s := range c.UnixServers {
		names = append(names, s.TLS)
	}
	return names
}

// port is what an address takes for itself. Two addresses of one port need not be in
// each other's way, but they may be.
func port(network, addr string) []string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return nil
	}
	return []string{network + " port " + port}
}

func service(name string) []string { return []string{"service " + name} }

func (c Config) linkParts() []part {
	var list []part
	add := func(key string, made any, rules LinkRules, uses, holds []string, make func(*plan) (*piece, error)) {
		list = append(list, part{
			Item: change.Item{Key: "links/" + key, Made: made, Tuned: rules, Uses: uses, Holds: holds}, make: make,
		})
	}
	for _, l := range c.TCPListeners {
		add("tcp-listener:"+l.Addr, l.TLS, l.LinkRules, uses(tlsServer, l.TLS), port("tcp", l.Addr),
			func(p *plan) (*piece, error) { return p.tcpListener(l) })
	}
	for _, l := range c.TCPPeers {
		add("tcp-peer:"+l.Addr, TCPPeer{Redial: l.Redial, TLS: l.TLS}, l.LinkRules, uses(tlsClient, l.TLS), nil,
			func(p *plan) (*piece, error) { return p.tcpPeer(l) })
	}
	for _, l := range c.UDPListeners {
		add("udp-listener:"+l.Addr, nil, l.LinkRules, nil, port("udp", l.Addr),
			func(p *plan) (*piece, error) { return p.udpListener(l) })
	}
	for _, l := range c.UDPPeers {
		add("udp-peer:"+l.Addr, UDPPeer{Redial: l.Redial}, l.LinkRules, nil, nil,
			func(p *plan) (*piece, error) { return p.udpPeer(l) })
	}
	for _, l := range c.WSListeners {
		add("ws-listener:"+l.Addr, WSListener{Path: l.Path, TLS: l.TLS}, l.LinkRules, uses(tlsServer, l.TLS), port("tcp", l.Addr),
			func(p *plan) (*piece, error) { return p.wsListener(l) })
	}
	for _, l := range c.WSPeers {
		made := WSPeer{Redial: l.Redial, ExtraHeader: l.ExtraHeader, TLS: l.TLS}
		add("ws-peer:"+l.URL, made, l.LinkRules, uses(tlsClient, l.client()), nil,
			func(p *plan) (*piece, error) { return p.wsPeer(l) })
	}
	for _, b := range c.Backends {
		rules := LinkRules{Cost: b.Cost, NodeCost: b.NodeCost, AllowedPeers: b.AllowedPeers, AnyPeer: b.AnyPeer}
		add(b.Name, embedded{b.Dialer, b.Binding, b.Redial}, rules, nil, nil,
			func(*plan) (*piece, error) { return ownBackend(b), nil })
	}
	return list
}

// embedded is what a backend of an embedding program is made of.
type embedded struct {
	Dialer  transport.Dialer
	Binding *transport.Binding[transport.Listener]
	Redial  bool
}

func ownBackend(b links.Backend) *piece { return &piece{add: addBackend(&b)} }

// client is the TLS client that proves the peer. Without a name it is the one called
// "default", which believes whom the system believes unless it was configured.
func (c WSPeer) client() string {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "wss":
		return ""
	case c.TLS == "":
		return secure.DefaultClient
	default:
		return c.TLS
	}
}
