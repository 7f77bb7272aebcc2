package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestServices(t *testing.T) {
	file := `
- tls-server: {name: s, cert: c, key: k}
- tls-client: {name: c, cert: '', key: ''}
- command-service: {service: sh, command: "sh -c 'echo a'", tls: s}
- ip-router: {networkname: net, interface: tun7, localnet: 10.0.0.4/30, routes: "10.1.0.0/16, fe80::/64"}
- tcp-server: {port: 1, remotenode: far, remoteservice: r, tlsserver: s, tlsclient: c}
- tcp-client: {service: tcp, address: 'h:1', tlsserver: s, tlsclient: c}
- udp-server: {port: 2, bindaddr: '::1', remotenode: far, remoteservice: r}
- udp-client: {service: udp, address: 'h:2'}
- unix-socket-server: {filename: /a, remotenode: far, remoteservice: r, tls: c, permissions: 0660}
- unix-socket-client: {service: unix, filename: /b, tls: s}
`
	c := mustParse(t, map[string]string{"f": file}, "-c", "f")
	for _, s := range []struct{ got, want any }{
		{c.CommandServices, []CommandService{{"sh", "sh -c 'echo a'", "s"}}},
		{c.IPRouters, []IPRouter{{"net", "tun7", "10.0.0.4/30", "10.1.0.0/16,fe80::/64"}}},
		{c.TCPServers, []TCPServer{{1, "0.0.0.0", "far", "r", "s", "c"}}},
		{c.TCPClients, []TCPClient{{"tcp", "h:1", "s", "c"}}},
		{c.UDPServers, []UDPServer{{2, "::1", "far", "r"}}},
		{c.UDPClients, []UDPClient{{"udp", "h:2"}}},
		{c.UnixServers, []UnixServer{{"/a", 0o660, "far", "r", "c"}}},
		{c.UnixClients, []UnixClient{{"unix", "/b", "s"}}},
	} {
		if !reflect.DeepEqual(s.got, s.want) {
			t.Errorf("got  %+v\nwant %+v", s.got, s.want)
		}
	}
}

func TestServiceErrors(t *testing.T) {
	const to = " remotenode=n remoteservice=r"
	for line, want := range map[string]string{
		"--command-service service=a command=":                                   "error setting config value for field command: value must not be empty",
		"--command-service service=a command='x":                                 "could not split 'x like a shell does: EOF found when expecting closing quote",
		"--command-service service=a command=#":                                  `no command to run in "#"`,
		"--ip-router networkname=x localnet=abc":                                 "could not parse abc as a CIDR address",
		"--ip-router networkname=x localnet=10.0.0.0/24":                         "local network 10.0.0.0/24 must be a /30 CIDR",
		"--ip-router networkname=x localnet=fe80::/30":                           "local network fe80::/30 must be IPv4",
		"--ip-router networkname=x localnet=fe80::/126":                          "local network fe80::/126 must be a /30 CIDR",
		"--ip-router networkname=x localnet=10.0.0.5/30 routes=abc":              "could not parse abc as a CIDR address",
		"--ip-router networkname=x localnet=10.0.0.5/30 routes=::/0,,":           "could not parse  as a CIDR address",
		"--ip-router networkname=toolongname localnet=10.0.0.4/30":               "error listening for service toolongname: service name toolongname too long (at most 8 bytes)",
		"--tcp-server port=1 remotenode=n remoteservice=toolongname":             "service name toolongname too long (at most 8 bytes)",
		"--udp-server port=99999" + to:                                           "could not resolve address 0.0.0.0:99999: address 99999: invalid port",
		"--udp-server port=1 remotenode=n remoteservice=toolongname":             "service name toolongname too long (at most 8 bytes)",
		"--udp-client service=x address=foo":                                     "could not resolve UDP address foo: address foo: missing port in address",
		"--udp-client service=x address=foo:99999":                               "could not resolve UDP address foo:99999: address 99999: invalid port",
		"--udp-client service=toolongname address=h:9":                           "error listening on service toolongname: service name toolongname too long (at most 8 bytes)",
		"--unix-socket-server filename=" + to:                                    "error setting config value for field filename: value must not be empty",
		"--unix-socket-server filename=s permissions=rw" + to:                    `error setting config value for field permissions: strconv.ParseInt: parsing "rw": invalid syntax`,
		"--unix-socket-server remotenode=n remoteservice=toolongname filename=s": "service name toolongname too long (at most 8 bytes)",
		"--unix-socket-client service=x":                                         "error in --unix-socket-client: required parameter missing: filename",
	} {
		_, err := Parse(strings.Fields(line), world(nil))
		wantError(t, err, want)
	}
}

// Every service name of a node is taken once, whatever takes it.
func TestServiceNameClashes(t *testing.T) {
	claims := []struct{ line, prefix, suffix string }{
		{"--control-service service=x", "error opening Unix socket: ", ""},
		{"--command-service service=x command=cat", "error listening on Receptor network: ", ""},
		{"--ip-router networkname=x localnet=10.0.0.4/30", "error listening for service x: ", " and advertising"},
		{"--tcp-client service=x address=h:1", "error listening on Receptor network: ", ""},
		{"--udp-client service=x address=h:1", "error listening on service x: ", " and advertising"},
		{"--unix-socket-client service=x filename=s", "error listening on Receptor network: ", ""},
	}
	for _, first := range claims {
		for _, second := range claims {
			_, err := Parse(strings.Fields(first.line+" "+second.line), world(nil))
			wantError(t, err, second.prefix+"service x is already listening"+second.suffix)
		}
		for _, reserved := range []string{"ping", "unreach"} {
			named := strings.NewReplacer("=x", "="+reserved, " x:", " "+reserved+":")
			_, err := Parse(strings.Fields(named.Replace(first.line)), world(nil))
			wantError(t, err, named.Replace(first.prefix)+"service "+reserved+" is already listening"+first.suffix)
		}
	}
	// Without a name they get one of their own.
	mustParse(t, nil, strings.Fields("--tcp-client service= address=h:1 --udp-client service= address=h:1 --unix-socket-client service= filename=s --command-service service= command=cat")...)
}

func TestPermissionsOfUnixServer(t *testing.T) {
	c := mustParse(t, nil, strings.Fields("--unix-socket-server filename=s remotenode=n remoteservice=r permissions=660")...)
	if c.UnixServers[0].Permissions != 0o224 || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "write 0660") {
		t.Errorf("%+v, warnings %q", c.UnixServers, c.Warnings)
	}
}
