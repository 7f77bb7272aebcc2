package services

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/google/shlex"

	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
)

// What the stream proxies listen on, and what they do for each client.

func (s *services) tcpServer(c TCPServer) proxyConfig {
	open := func() (transport.StreamListener, error) {
		l, err := c.Binding.Open()
		if err != nil {
			return nil, err
		}
		return tcpListener{Listener: l, tls: c.TLS}, nil
	}
	return s.outward(open, c.RemoteNode, c.RemoteService, c.TLSClient)
}

func (s *services) tcpClient(c TCPClient) proxyConfig {
	tags := map[string]string{"type": "TCP Proxy", "address": c.Addr}
	return s.inward(c.Service, c.TLSServer, c.Addr, tags, c.Binding.Open,
		s.join(c.Addr, func(ctx context.Context) (transport.StreamConn, error) { return dialTCP(ctx, c.Addr, c.TLS) }))
}

func (s *services) unixServer(c UnixServer) proxyConfig {
	return s.outward(c.Binding.Open, c.RemoteNode, c.RemoteService, c.TLSClient)
}

func (s *services) unixClient(c UnixClient) proxyConfig {
	tags := map[string]string{"type": "Unix Proxy", "filename": c.Path}
	return s.inward(c.Service, c.TLSServer, c.Path, tags, c.Binding.Open,
		s.join(c.Path, func(ctx context.Context) (transport.StreamConn, error) { return dialUnix(ctx, c.Path) }))
}

func dialUnix(ctx context.Context, path string) (transport.StreamConn, error) {
	d := net.Dialer{Timeout: tcpDialWait}
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return streamOf(c)
}

func (s *services) command(c Command) proxyConfig {
	tags := map[string]string{"type": "Command Service"}
	return s.inward(c.Service, c.TLSServer, c.Argv[0], tags, c.Binding.Open,
		func(ctx context.Context, client transport.StreamConn) (servicesv1.End, error) {
			return runCommand(ctx, c.Argv, client, s.cfg.Trace)
		})
}

var errNoCommand = errors.New("no command")

// SplitCommand splits a command line as a shell does.
func SplitCommand(text string) ([]string, error) {
	argv, err := shlex.Split(text)
	if err == nil && len(argv) == 0 {
		err = errNoCommand
	}
	if err != nil {
		return nil, fmt.Errorf("could not split command %q: %w", text, err)
	}
	return argv, nil
}
