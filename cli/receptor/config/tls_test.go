package config

import (
	"reflect"
	"strings"
	"testing"

	"receptor/transport/secure"
)

const pin = "e3:b0:c4:42:98:fc:1c:14:9a:fb:f4:c8:99:6f:b9:24:27:ae:41:e4:64:9b:93:4c:a4:95:99:1b:78:52:b8:55"

func TestTLSConfigurations(t *testing.T) {
	file := `
- tls-server: {name: s, cert: c, key: k, requireClientCert: yes, clientcas: ca, pinnedclientcert: "` + pin + `", skipreceptornamescheck: true, mintls13: true}
- tls-client: {name: c, cert: c, key: k, rootcas: ca, insecureskipverify: true, pinnedservercert: ["` + pin + `", "` + pin + `"], skipReceptorNamesCheck: true, mintls13: true}
- tls-client: {name: anybody, cert: "", key: ""}
`
	c := mustParse(t, map[string]string{"f": file}, "-c", "f")
	servers := []secure.ServerOptions{{
		Name: "s", Cert: "c", Key: "k", RequireClientCert: true, ClientCAs: "ca", PinnedClientCert: []string{pin},
		SkipReceptorNamesCheck: true, MinTLS13: true,
	}}
	if !reflect.DeepEqual(c.TLSServers, servers) {
		t.Errorf("servers %+v", c.TLSServers)
	}
	clients := []secure.ClientOptions{{
		Name: "c", Cert: "c", Key: "k", RootCAs: "ca", InsecureSkipVerify: true, PinnedServerCert: []string{pin, pin},
		SkipReceptorNamesCheck: true, MinTLS13: true,
	}, {Name: "anybody"}}
	if !reflect.DeepEqual(c.TLSClients, clients) {
		t.Errorf("clients %+v", c.TLSClients)
	}
}

func TestTLSNamedTwice(t *testing.T) {
	c := mustParse(t, nil, strings.Fields("--tls-server name=a cert=1 key=1 --tls-server name=a cert=2 key=2 --tls-client name=a cert= key= --tls-client name=a cert= key=")...)
	want := []string{"tls-server a is there twice: the later one counts", "tls-client a is there twice: the later one counts"}
	if !reflect.DeepEqual(c.Warnings, want) || len(c.TLSServers) != 2 || c.TLSServers[1].Cert != "2" {
		t.Errorf("warnings %q, servers %+v", c.Warnings, c.TLSServers)
	}
}

func TestTLSErrors(t *testing.T) {
	for line, want := range map[string]string{
		"--tls-server":                                           "error in --tls-server: required parameters missing: name, cert, key",
		"--tls-client name=a":                                    "error in --tls-client: required parameters missing: cert, key",
		"--tls-server name= cert=c key=k":                        "error preparing tls server config: must provide a name",
		"--tls-client name= cert= key=":                          "error preparing tls client config: must provide a name",
		"--tls-client name=a cert=c key=":                        "error preparing tls client config: cert and key must both be supplied or neither",
		"--tls-client name=a cert= key=k":                        "error preparing tls client config: cert and key must both be supplied or neither",
		"--tls-server name=a cert=c key=k pinnedclientcert=zz":   "error preparing tls server config: error decoding fingerprints: error decoding fingerprint",
		"--tls-client name=a cert= key= pinnedservercert=abcd":   "error preparing tls client config: error decoding fingerprints: fingerprints must be 32 or 64 bytes for sha256 or sha512",
		"--tls-server name=a cert=c key=k requireclientcert=abc": "error setting config value for field requireclientcert: could not parse abc as boolean",
	} {
		_, err := Parse(strings.Fields(line), world(nil))
		wantError(t, err, want)
	}
}

// usersOfServers and usersOfClients are all that name a TLS configuration.
var (
	usersOfServers = []string{
		"--tcp-listener 0 tls=X", "--ws-listener 0 tls=X", "--control-service tls=X", "--control-service tcplisten=1 tcptls=X",
		"--command-service service=x command=cat tls=X", "--tcp-server port=0 remotenode=n remoteservice=s tlsserver=X",
		"--tcp-client service=s address=h:1 tlsserver=X", "--unix-socket-client service=s filename=/s tls=X",
	}
	usersOfClients = []string{
		"--tcp-peer h:1 tls=X", "--ws-peer wss://h tls=X", "--tcp-server port=0 remotenode=n remoteservice=s tlsclient=X",
		"--tcp-client service=s address=h:1 tlsclient=X", "--unix-socket-server filename=/s remotenode=n remoteservice=s tls=X",
	}
)

func TestTLSReferences(t *testing.T) {
	parse := func(line, more string) error {
		_, err := Parse(strings.Fields(line+" "+more), world(nil)) // the name may be explained later
		return err
	}
	const server, client = "--tls-server name=X cert=c key=k", "--tls-client name=X cert= key="
	for _, line := range usersOfServers {
		if err := parse(line, server); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		wantError(t, parse(line, ""), "unknown TLS config X (there is no tls-server)")
		wantError(t, parse(line, client), "unknown TLS config X (it is a tls-client; a tls-server is needed here)")
		wantError(t, parse(line, "--tls-server name=Y cert=c key=k"), `unknown TLS config X (did you mean "Y"?)`)
	}
	for _, line := range usersOfClients {
		if err := parse(line, client); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		wantError(t, parse(line, ""), `unknown TLS config X (did you mean "default"?)`)
		wantError(t, parse(line, server), "unknown TLS config X (it is a tls-server; a tls-client is needed here)")
	}
}

// A parameter that names a configuration and is not checked would fail late.
func TestAllTLSReferencesAreChecked(t *testing.T) {
	named := 0
	for _, a := range table {
		for _, p := range a.params {
			if p.rules&(namesServer|namesClient) != 0 {
				named++
			} else if strings.Contains(p.name, "tls") && p.name != "mintls13" {
				t.Errorf("%s: %s does not say what it names", a.name, p.name)
			}
		}
	}
	if named != len(usersOfServers)+len(usersOfClients) {
		t.Errorf("%d parameters name a configuration; %d are tested", named, len(usersOfServers)+len(usersOfClients))
	}
}

func TestTLSReferenceInAFile(t *testing.T) {
	_, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": "- local-only\n- tcp-listener: {port: 0, tls: x}"}))
	wantError(t, err, "unknown TLS config x (there is no tls-server) (f:2:3)")
}

func TestTLSOfControlService(t *testing.T) {
	c := mustParse(t, nil, strings.Fields("--tls-server name=s cert=c key=k --control-service tls=s tcplisten=1 --control-service service=c2 tcplisten=2 tls=s tcptls=s --control-service service=c3 tls=s tcptls=nobody-asks")...)
	want := []ControlService{
		{Service: "control", Permissions: 0o600, TLS: "s", TCPListen: "0.0.0.0:1"},
		{Service: "c2", Permissions: 0o600, TLS: "s", TCPListen: "0.0.0.0:2", TCPTLS: "s"},
		{Service: "c3", Permissions: 0o600, TLS: "s"},
	}
	if !reflect.DeepEqual(c.ControlServices, want) {
		t.Errorf("%+v", c.ControlServices)
	}
	if want := []string{"Control service control has TLS configured on the Receptor listener but not the TCP listener."}; !reflect.DeepEqual(c.Warnings, want) {
		t.Errorf("warnings %q", c.Warnings)
	}
}
