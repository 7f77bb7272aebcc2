package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestListeners(t *testing.T) {
	c := mustParse(t, nil, "--tls-server", "name=s", "cert=c", "key=k",
		"--tcp-listener", "1", "tls=s",
		"--udp-listener", "2", "bindaddr=::1", "cost=2", `nodecost={"a":3}`, "allowedpeers=a",
		"--ws-listener", "3", "tls=s",
		"--ws-listener", "4", "path=/mesh", "cost=1.5")
	for _, l := range []struct {
		got  []Listener
		want []Listener
	}{
		{c.TCPListeners, []Listener{{BindAddr: "0.0.0.0", Port: 1, TLS: "s", Cost: 1}}},
		{c.UDPListeners, []Listener{{BindAddr: "::1", Port: 2, Cost: 2, NodeCost: map[string]float64{"a": 3}, AllowedPeers: []string{"a"}}}},
		{c.WSListeners, []Listener{
			{BindAddr: "0.0.0.0", Port: 3, Path: "/", TLS: "s", Cost: 1},
			{BindAddr: "0.0.0.0", Port: 4, Path: "/mesh", Cost: 1.5},
		}},
	} {
		if !reflect.DeepEqual(l.got, l.want) {
			t.Errorf("got  %+v\nwant %+v", l.got, l.want)
		}
	}
}

func TestPeers(t *testing.T) {
	c := mustParse(t, nil, "--tls-client", "name=c", "cert=", "key=",
		"--tcp-peer", "h:1", "tls=c",
		"--udp-peer", "[::1]:http", "redial=no", "cost=2", "allowedpeers=a",
		"--ws-peer", "wss://h/p", "tls=c", "extraheader=a:b:c",
		"--ws-peer", "ws://h")
	for _, p := range []struct {
		got  []Peer
		want []Peer
	}{
		{c.TCPPeers, []Peer{{Address: "h:1", Redial: true, TLS: "c", Cost: 1}}},
		{c.UDPPeers, []Peer{{Address: "[::1]:http", Cost: 2, AllowedPeers: []string{"a"}}}},
		{c.WSPeers, []Peer{
			{Address: "wss://h/p", Redial: true, ExtraHeader: "a:b:c", TLS: "c", Cost: 1},
			{Address: "ws://h", Redial: true, Cost: 1},
		}},
	} {
		if !reflect.DeepEqual(p.got, p.want) {
			t.Errorf("got  %+v\nwant %+v", p.got, p.want)
		}
	}
	if c.Warnings != nil {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestPeerWithoutAWebSocketURL(t *testing.T) {
	c := mustParse(t, nil, "--ws-peer", "http://u:secret@h/p")
	if want := []string{"ws-peer http://u:xxxxx@h/p can't be dialled: its address has to begin with ws:// or wss://"}; !reflect.DeepEqual(c.Warnings, want) {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestPeerThatIsNotEncrypted(t *testing.T) {
	c := mustParse(t, nil, "--ws-peer", "ws://h", "tls=default")
	if want := []string{"ws-peer ws://h is not encrypted: tls has no effect without wss://"}; !reflect.DeepEqual(c.Warnings, want) {
		t.Errorf("warnings %q", c.Warnings)
	}
}

// The dialler says so, as often as it dials; the rest of the node works.
func TestPeerOfAnotherScheme(t *testing.T) {
	mustParse(t, nil, "--ws-peer", "http://h")
	mustParse(t, nil, "--ws-peer", "foo")
}

func TestLinkErrors(t *testing.T) {
	for line, want := range map[string]string{
		`--tcp-listener 0 nodecost={"a":-1}`: "connection cost must be positive for a",
		`--udp-listener 0 nodecost={"a":0}`:  "connection cost must be positive for a",
		"--ws-listener 0 cost=-1":            "connection cost must be positive",
		"--udp-listener 70000":               "address 70000: invalid port",
		"--ws-listener 70000":                "listen tcp: address 70000: invalid port",
		"--ws-listener port=-1":              "listen tcp: address -1: invalid port",
		"--ws-listener 0 path=abc":           `path "abc" does not begin with /`,
		"--udp-listener 0 tls=s":             `config error: unknown field name tls (did you mean "cost"?)`,
		"--tcp-peer address=":                "error setting config value for field address: value must not be empty",
		"--udp-peer foo":                     "address foo: missing port in address",
		"--udp-peer foo:99999":               "address 99999: invalid port",
		"--udp-peer foo:1 cost=0":            "connection cost must be positive",
		"--ws-peer :::bad":                   `address :::bad is not a valid URL: parse ":::bad": missing protocol scheme`,
		"--ws-peer ws://h extraheader=abc":   "extra header must be in the form key:value",
		"--ws-peer ws://h cost=0":            "connection cost must be positive",
		"--ws-peer":                          "error in --ws-peer: required parameter missing: address",
		"--udp-listener":                     "error in --udp-listener: required parameter missing: port",
	} {
		_, err := Parse(strings.Fields(line), world(nil))
		wantError(t, err, want)
	}
}
