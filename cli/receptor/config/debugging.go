package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// This file is the actions that let people see what a node does.

// LogLevel is how much is logged.
type LogLevel struct {
	Level string

	router, links, streams, work, services, control string
}

// FormatJSON logs objects instead of lines.
const (
	FormatJSON = "json"
	formatText = "text"
)

// LogFormat is how it looks.
type LogFormat struct{ Format string }

// Debug shows the inside of the node.
type Debug struct {
	Remote  bool // not only at the node's own Unix socket
	Actions bool // and lets clients at that socket act

	HTTP       string // host:port, or the path of a Unix socket; empty for none
	RemoteHTTP bool   // HTTP need not be a loopback address
}

// levels are the names of the log levels.
var levels = []string{"error", "warning", "info", "debug"}

var logLevelAction = define(action{
	name: "log-level", section: general, is: singleton,
	about: "How much is logged. Without this action: info.",
}, LogLevel{Level: "error"}, applyLogLevel,
	with("level", bare, "error, warning, info or debug.",
		func(l *LogLevel) *string { return &l.Level }).among(levels...),
	with("router", 0, "Another level for routes and advertisements.",
		func(l *LogLevel) *string { return &l.router }).among(levels...),
	with("links", 0, "Another level for links to neighbours.",
		func(l *LogLevel) *string { return &l.links }).among(levels...),
	with("streams", 0, "Another level for streams over the mesh.",
		func(l *LogLevel) *string { return &l.streams }).among(levels...),
	with("work", 0, "Another level for units of work.",
		func(l *LogLevel) *string { return &l.work }).among(levels...),
	with("services", 0, "Another level for services that join the mesh to other networks.",
		func(l *LogLevel) *string { return &l.services }).among(levels...),
	with("control", 0, "Another level for control services.",
		func(l *LogLevel) *string { return &l.control }).among(levels...),
)

var logFormatAction = define(action{
	name: "log-format", section: general, is: singleton,
	about: "How the log looks. Without this action: text.",
}, LogFormat{}, applyLogFormat,
	with("format", bare|required, "text, or json: one object a line, with the facts as members.",
		func(l *LogFormat) *string { return &l.Format }).among(formatText, FormatJSON),
)

var traceAction = define(action{
	name: "trace", section: general, is: singleton | nameSuffices,
	about: "Log every data message of the mesh that is sent, received or forwarded, and each part that proxies, IP routers and connect carry: where from and to, how long, never what it says. That costs speed.",
}, none{}, applyTrace)

var debugAction = define(action{
	name: "debug", section: general, is: singleton | nameSuffices,
	about: "Let clients at the node's Unix sockets see what is inside: actors and what they do, links, events (receptorctl tree, top, events).",
}, Debug{}, applyDebug,
	with("remote", 0, "Let clients look, too, that come over the mesh or TCP.",
		func(d *Debug) *bool { return &d.Remote }),
	with("actions", 0, "Let clients at a Unix socket act: restart an actor, take a link down, change a log level, trace an actor.",
		func(d *Debug) *bool { return &d.Actions }),
	with("http", 0, "Loopback address (127.0.0.1:9000) or path of a Unix socket for metrics, health, profiles and the page.",
		func(d *Debug) *string { return &d.HTTP }),
	with("remotehttp", 0, "Let http be any address, and be reached under any name. Whoever gets there sees all of the node.",
		func(d *Debug) *bool { return &d.RemoteHTTP }),
)

func applyTrace(c *Config, _ *none) error {
	c.Trace = true
	return nil
}

func applyDebug(c *Config, d *Debug) error {
	c.Debug, c.DebugOptions = true, *d
	if d.HTTP == "" || strings.Contains(d.HTTP, "/") {
		return nil
	}
	host, _, err := net.SplitHostPort(d.HTTP)
	if err != nil {
		return fmt.Errorf("http is to be HOST:PORT or the path of a Unix socket, not %q", d.HTTP)
	}
	if addr, err := netip.ParseAddr(host); !d.RemoteHTTP && host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("http=%s is no loopback address; remotehttp=true lets others look into the node", d.HTTP)
	}
	return nil
}

func applyLogFormat(c *Config, l *LogFormat) error {
	format := strings.ToLower(l.Format)
	if format != formatText && format != FormatJSON {
		return fmt.Errorf("%s is not a log format (known: %s, %s)", l.Format, formatText, FormatJSON)
	}
	c.LogFormat = format
	return nil
}

func applyLogLevel(c *Config, l *LogLevel) error {
	level, err := parseLevel(l.Level)
	if err != nil {
		return err
	}
	c.LogLevel, c.FamilyLevels = level, map[string]string{}
	for family, text := range map[string]string{
		"router": l.router, "links": l.links, "streams": l.streams,
		"work": l.work, "services": l.services, "control": l.control,
	} {
		if text == "" {
			continue
		}
		if c.FamilyLevels[family], err = parseLevel(text); err != nil {
			return err
		}
	}
	return nil
}

func parseLevel(text string) (string, error) {
	level := strings.ToLower(text)
	if !slices.Contains(levels, level) {
		return "", fmt.Errorf("%s is not a valid log level name (known: %s)", text, strings.Join(levels, ", "))
	}
	return level, nil
}
