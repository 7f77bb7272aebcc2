package main

import (
	"net"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/actors/work"
	"receptor/cli/receptor/config"
	"receptor/cli/receptor/logging"
)

// nodeConfig says in the node's words what the configuration asks for.
func nodeConfig(c *config.Config, version string) node.Config {
	n := node.Config{
		ID:              c.Node.ID,
		DataDir:         c.Node.DataDir,
		Version:         version,
		Debug:           c.Debug,
		LogLevel:        c.LogLevel,
		HTTP:            node.HTTP{Addr: c.DebugOptions.HTTP, AnyHost: c.DebugOptions.RemoteHTTP},
		QlogDir:         c.QlogDir,
		PayloadTrace:    c.PayloadTrace,
		Inspection:      node.Inspection{Remote: c.DebugOptions.Remote, Actions: c.DebugOptions.Actions},
		FamilyLevels:    c.FamilyLevels,
		LogFormat:       c.LogFormat,
		MaxIdle:         c.Node.MaxIdle,
		Firewall:        c.Node.Firewall,
		TLSServers:      c.TLSServers,
		TLSClients:      c.TLSClients,
		LocalOnly:       c.LocalOnly,
		TCPListeners:    each(c.TCPListeners, tcpListener),
		TCPPeers:        each(c.TCPPeers, tcpPeer),
		UDPListeners:    each(c.UDPListeners, udpListener),
		UDPPeers:        each(c.UDPPeers, udpPeer),
		WSListeners:     each(c.WSListeners, wsListener),
		WSPeers:         each(c.WSPeers, wsPeer),
		ControlServices: each(c.ControlServices, controlService),
		WorkCommands:    each(c.WorkCommands, workCommand),
		WorkPython:      each(c.WorkPython, workPython),
		WorkKubernetes:  each(c.WorkKubernetes, workKubernetes),
		KubeClients:     kubeClients(c.Node.Kube),
		Services:        nodeServices(c),
		MinFreeDisk:     int64(c.Node.MinFreeDisk),
		RemoteRetention: c.Node.RemoteRetention,
	}
	if s := c.WorkSigning; s != nil {
		n.WorkSigning = work.SigningKey{PrivateKeyFile: s.PrivateKey, Expiration: s.TokenExpiration}
	}
	if v := c.WorkVerification; v != nil {
		n.WorkVerification = work.VerifyKey{PublicKeyFile: v.PublicKey, Tolerance: v.ClockTolerance}
	}
	return n
}

// familyLevels are levels that the configuration has checked.
func familyLevels(names map[string]string) map[string]zerolog.Level {
	var levels map[string]zerolog.Level
	for family, name := range names {
		if level, ok := logging.ParseLevel(name); ok {
			if levels == nil {
				levels = map[string]zerolog.Level{}
			}
			levels[family] = level
		}
	}
	return levels
}

// each says every entry of a list in the node's words.
func each[From, To any](list []From, say func(From) To) []To {
	var all []To
	for _, entry := range list {
		all = append(all, say(entry))
	}
	return all
}

func listenerRules(l config.Listener) node.LinkRules {
	return node.LinkRules{
		Cost: l.Cost, NodeCost: l.NodeCost, AllowedPeers: l.AllowedPeers, AnyPeer: l.AllowedPeers == nil,
	}
}

func peerRules(p config.Peer) node.LinkRules {
	return node.LinkRules{Cost: p.Cost, AllowedPeers: p.AllowedPeers, AnyPeer: p.AllowedPeers == nil}
}

func tcpListener(l config.Listener) node.TCPListener {
	return node.TCPListener{Addr: hostPort(l.BindAddr, l.Port), TLS: l.TLS, LinkRules: listenerRules(l)}
}

func tcpPeer(p config.Peer) node.TCPPeer {
	return node.TCPPeer{Addr: p.Address, Redial: p.Redial, TLS: p.TLS, LinkRules: peerRules(p)}
}

func udpListener(l config.Listener) node.UDPListener {
	return node.UDPListener{Addr: hostPort(l.BindAddr, l.Port), LinkRules: listenerRules(l)}
}

func udpPeer(p config.Peer) node.UDPPeer {
	return node.UDPPeer{Addr: p.Address, Redial: p.Redial, LinkRules: peerRules(p)}
}

func wsListener(l config.Listener) node.WSListener {
	return node.WSListener{Addr: hostPort(l.BindAddr, l.Port), Path: l.Path, TLS: l.TLS, LinkRules: listenerRules(l)}
}

func wsPeer(p config.Peer) node.WSPeer {
	return node.WSPeer{URL: p.Address, Redial: p.Redial, ExtraHeader: p.ExtraHeader, TLS: p.TLS, LinkRules: peerRules(p)}
}

func controlService(s config.ControlService) node.ControlService {
	return node.ControlService{
		Service:    s.Service,
		TLS:        s.TLS,
		SocketPath: s.Filename,
		SocketMode: s.Permissions,
		TCPListen:  s.TCPListen,
		TCPTLS:     s.TCPTLS,
	}
}

func workCommand(w config.WorkCommand) node.WorkCommand {
	return node.WorkCommand{
		Type:               w.WorkType,
		Command:            w.Command,
		Params:             w.Params,
		AllowRuntimeParams: w.AllowRuntimeParams,
		VerifySignature:    w.VerifySignature,
		Limits:             limits(w.Limits),
	}
}

func workPython(w config.WorkPython) work.PythonType {
	return work.PythonType{
		Type: w.WorkType, Plugin: w.Plugin, Function: w.Function, Config: w.Config, Interpreter: w.Interpreter,
		VerifySignature: w.VerifySignature, Limits: limits(w.Limits),
	}
}

func limits(l config.Limits) work.Limits {
	return work.Limits{
		MaxConcurrent: l.MaxConcurrent, MaxQueued: l.MaxQueued, MaxOutput: int64(l.MaxOutput), Retention: l.Retention,
	}
}

// hostPort takes IPv6 addresses with and without brackets.
func hostPort(host string, port int) string {
	if inside, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inside, "]")
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
