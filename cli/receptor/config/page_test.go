package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// page is what the documents of the existing system say of each action: a letter for
// the type (s text, i whole number, f number, b yes or no, S list of texts, M map
// of numbers, D map, L list of maps), then "!" if it must be there, "=" and the default,
// "~" if its name may be left out.
const page = `
node once: id:s~ datadir:s=/tmp/receptor firewallrules:L maxidleconnectiontimeout:s receptorkubesupportreconnect:s receptorkubeclientsetqps:s receptorkubeclientsetburst:s receptorkubeclientsetratelimiter:s
local-only once: local:b=false
version alone:
log-level once: level:s=error~
trace once:
tls-server tls-servers: name:s! cert:s! key:s! requireclientcert:b=false clientcas:s pinnedclientcert:S skipreceptornamescheck:b=false mintls13:b=false
tls-client tls-clients: name:s! cert:s! key:s! rootcas:s insecureskipverify:b=false pinnedservercert:S skipreceptornamescheck:b=false mintls13:b=false
cert-init alone: commonname:s! bits:i notbefore:s notafter:s outcert:s! outkey:s!
cert-makereq alone cert-makereqs: commonname:s! bits:i dnsname:S ipaddress:S nodeid:S outreq:s! inkey:s outkey:s
cert-signreq alone cert-signreqs: req:s! cacert:s! cakey:s! notbefore:s notafter:s outcert:s! verify:b=false
control-service control-services: service:s=control filename:s permissions:i=0600 tls:s tcplisten:s tcptls:s
command-service command-services: service:s! command:s! tls:s
ip-router iprouters ip-routers: networkname:s! interface:s localnet:s! routes:s
tcp-server tcp-servers: port:i! bindaddr:s=0.0.0.0 remotenode:s! remoteservice:s! tlsserver:s tlsclient:s
tcp-client tcp-clients: service:s! address:s! tlsserver:s tlsclient:s
udp-server udp-servers: port:i! bindaddr:s=0.0.0.0 remotenode:s! remoteservice:s!
udp-client udp-clients: service:s! address:s!
unix-socket-server unix-socket-servers: filename:s! permissions:i=0600 remotenode:s! remoteservice:s! tls:s
unix-socket-client unix-socket-clients: service:s! filename:s! tls:s
tcp-listener tcp-listeners: bindaddr:s=0.0.0.0 port:i!~ tls:s cost:f=1.0 nodecost:M allowedpeers:S
udp-listener udp-listeners: bindaddr:s=0.0.0.0 port:i!~ cost:f=1.0 nodecost:M allowedpeers:S
ws-listener ws-listeners: bindaddr:s=0.0.0.0 port:i!~ path:s=/ tls:s cost:f=1.0 nodecost:M allowedpeers:S
tcp-peer tcp-peers: address:s!~ redial:b=true tls:s cost:f=1.0 allowedpeers:S
udp-peer udp-peers: address:s!~ redial:b=true cost:f=1.0 allowedpeers:S
ws-peer ws-peers: address:s!~ redial:b=true extraheader:s tls:s cost:f=1.0 allowedpeers:S
work-signing once: privatekey:s~ tokenexpiration:s=5m
work-verification once: publickey:s~
work-command work-commands: worktype:s! command:s! params:s allowruntimeparams:b=false verifysignature:b=false
work-kubernetes: worktype:s! namespace:s image:s command:s params:s authmethod:s=incluster kubeconfig:s pod:s allowruntimeauth:b=false allowruntimecommand:b=false allowruntimeparams:b=false allowruntimepod:b=false deletepodonrestart:b=true streammethod:s=logger verifysignature:b=false
work-python: worktype:s! plugin:s! function:s! config:D
`

// The table has every action and parameter of the existing system, as they are there.
func TestEverythingKnownIsThere(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(page)) {
		head, params, _ := strings.Cut(line, ":")
		names := strings.Fields(head)
		a := find(names[0])
		if a == nil {
			t.Errorf("no %s", names[0])
			continue
		}
		once, alone := a.is&singleton != 0, a.is&exclusive != 0
		for _, name := range names[1:] {
			switch name {
			case "once":
				once = !once
			case "alone":
				alone = !alone
			default:
				if findSection(name) != a {
					t.Errorf("%s is not a section of %s", name, a.name)
				}
			}
		}
		if once || alone {
			t.Errorf("%s: attributes %b", a.name, a.is)
		}
		for _, word := range strings.Fields(params) {
			name, want, _ := strings.Cut(word, ":")
			if p := a.param(name); p == nil || described(a, p) != want {
				t.Errorf("%s: want %s, got %+v", a.name, word, p)
			}
		}
	}
}

// described is a parameter in the words of the page.
func described(a *action, p *param) string {
	var b bytes.Buffer
	at := p.at(a.fresh())
	switch at.(type) {
	case *string:
		b.WriteByte('s')
	case *int, *fs.FileMode:
		b.WriteByte('i')
	case *float64:
		b.WriteByte('f')
	case *bool:
		b.WriteByte('b')
	case *[]string:
		b.WriteByte('S')
	case *map[string]float64:
		b.WriteByte('M')
	case *map[string]any:
		b.WriteByte('D')
	case *[]any:
		b.WriteByte('L')
	}
	if p.rules&required != 0 {
		b.WriteByte('!')
	}
	if text := shown(at); text != "" {
		fmt.Fprintf(&b, "=%s", text)
	}
	if p.rules&bare != 0 {
		b.WriteByte('~')
	}
	return b.String()
}
