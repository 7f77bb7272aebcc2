package main

import (
	"net"
	"strconv"
	"strings"

	"receptor/actors/node"
	"receptor/cli/receptor/config"
)

// nodeConfig says in the node's words what the configuration asks for.
func nodeConfig(c *config.Config, version string) node.Config {
	n := node.Config{
		ID:        c.Node.ID,
		DataDir:   c.Node.DataDir,
		Version:   version,
		Debug:     c.Debug,
		LocalOnly: c.LocalOnly,
		MaxIdle:   c.Node.MaxIdle,
	}
	for _, l := range c.TCPListeners {
		n.TCPListeners = append(n.TCPListeners, tcpListener(l))
	}
	for _, p := range c.TCPPeers {
		n.TCPPeers = append(n.TCPPeers, tcpPeer(p))
	}
	for _, s := range c.ControlServices {
		n.ControlServices = append(n.ControlServices, controlService(s))
	}
	for _, s := range c.TCPServers {
		n.TCPServers = append(n.TCPServers, node.TCPServer{
			Addr: hostPort(s.BindAddr, s.Port), RemoteNode: s.RemoteNode, RemoteService: s.RemoteService,
		})
	}
	for _, s := range c.TCPClients {
		n.TCPClients = append(n.TCPClients, node.TCPClient{Service: s.Service, Addr: s.Address})
	}
	for _, w := range c.WorkCommands {
		n.WorkCommands = append(n.WorkCommands, workCommand(w))
	}
	return n
}

func tcpListener(l config.TCPListener) node.TCPListener {
	return node.TCPListener{
		Addr: hostPort(l.BindAddr, l.Port),
		LinkRules: node.LinkRules{
			Cost: l.Cost, NodeCost: l.NodeCost, AllowedPeers: l.AllowedPeers, AnyPeer: l.AllowedPeers == nil,
		},
	}
}

func tcpPeer(p config.TCPPeer) node.TCPPeer {
	return node.TCPPeer{
		Addr:      p.Address,
		Redial:    p.Redial,
		LinkRules: node.LinkRules{Cost: p.Cost, AllowedPeers: p.AllowedPeers, AnyPeer: p.AllowedPeers == nil},
	}
}

func controlService(s config.ControlService) node.ControlService {
	return node.ControlService{
		Service:    s.Service,
		SocketPath: s.Filename,
		SocketMode: s.Permissions,
		TCPListen:  s.TCPListen,
	}
}

func workCommand(w config.WorkCommand) node.WorkCommand {
	return node.WorkCommand{
		Type:               w.WorkType,
		Command:            w.Command,
		Params:             w.Params,
		AllowRuntimeParams: w.AllowRuntimeParams,
		VerifySignature:    w.VerifySignature,
	}
}

// hostPort takes IPv6 addresses with and without brackets.
func hostPort(host string, port int) string {
	if inside, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inside, "]")
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
