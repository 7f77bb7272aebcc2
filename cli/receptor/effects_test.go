package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"receptor/actors/node"
	"receptor/actors/node/change"
	"receptor/cli/receptor/config"
	"receptor/cli/receptor/logging"
)

// asked is all that a configuration can make of the program.
type asked struct {
	Node         node.Config
	Given        config.Node
	LogLevel     string
	Trace        bool
	Show         config.Show
	Commands     []config.Command
	PayloadTrace int
	QlogDir      string
}

func parse(t *testing.T, env map[string]string, words ...string) asked {
	t.Helper()
	c, err := config.Parse(words, config.Env{
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := strings.CutPrefix(name, "text:"); ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		},
		Hostname: func() (string, error) { return "host", nil },
		TempDir:  func() string { return "/t" },
		Getenv:   func(name string) string { return env[name] },
	})
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	return asked{nodeConfig(c, "v"), c.Node, c.LogLevel, c.Trace, c.Show, c.Commands, c.PayloadTrace, c.QlogDir}
}

// effect is how the parameters of an action show.
type effect struct{ needs, params string }

// effects give for each action what it needs, then for each parameter a value that
// must make a difference. An action makes a
// difference to being without it.
var effects = map[string]effect{
	"node": {"", `id=a datadir=/d minfreedisk=1 remoteretention=1h firewallrules=[{"action":"drop"}] maxidleconnectiontimeout=1h ` +
		"receptorkubesupportreconnect=auto receptorkubeclientsetqps=1 receptorkubeclientsetburst=1 receptorkubeclientsetratelimiter=never"},
	"local-only":         {"", ""},
	"version":            {"", ""},
	"log-level":          {"", "level=debug router=debug links=debug streams=debug work=debug services=debug control=debug"},
	"log-format":         {"format=json", "format=text"},
	"trace":              {"", ""},
	"debug":              {"http=127.0.0.1:2", "http=127.0.0.1:1 remotehttp=yes remote=true actions=true"},
	"control-service":    {"tcplisten=1 filename=/e", "service=a filename=/f permissions=0640 tls=s tcplisten=2 tcptls=s"},
	"tls-server":         {"name=n cert=c key=k", tlsEffects + " requireclientcert=1 clientcas=x pinnedclientcert=" + pin},
	"tls-client":         {"name=n cert=c key=k", tlsEffects + " rootcas=x insecureskipverify=1 pinnedservercert=" + pin},
	"cert-init":          {"commonname=a outcert=b outkey=c", "commonname=x keytype=ecdsa bits=1 notbefore=x notafter=x outcert=x outkey=x force=1"},
	"cert-makereq":       {"commonname=a outreq=b outkey=c bits=1", "commonname=x keytype=ecdsa bits=2 dnsname=x ipaddress=x nodeid=x outreq=x outkey=x force=1"},
	"cert-signreq":       {"req=a cacert=b cakey=c outcert=d", "req=x cacert=x cakey=x notbefore=x notafter=x outcert=x verify=1 force=1"},
	"command-service":    {"service=a command=b", "service=x command=x tls=s"},
	"ip-router":          {"networkname=a localnet=10.0.0.0/30", "networkname=x interface=x localnet=10.0.0.4/30 routes=10.0.0.0/8"},
	"tcp-server":         {"port=1 remotenode=a remoteservice=b", "port=2 bindaddr=::1 remotenode=x remoteservice=x tlsserver=s tlsclient=c"},
	"tcp-client":         {"service=a address=h:1", "service=x address=x:1 tlsserver=s tlsclient=c"},
	"udp-server":         {"port=1 remotenode=a remoteservice=b", "port=2 bindaddr=::1 remotenode=x remoteservice=x"},
	"udp-client":         {"service=a address=h:1", "service=x address=x:1"},
	"unix-socket-server": {"filename=/f remotenode=a remoteservice=b", "filename=/x permissions=0640 remotenode=x remoteservice=x tls=c"},
	"unix-socket-client": {"service=a filename=/f", "service=x filename=/x tls=s"},
	"tcp-listener":       {"port=1", listenerEffects + " tls=s"},
	"udp-listener":       {"port=1", listenerEffects},
	"ws-listener":        {"port=1", listenerEffects + " tls=s path=/x"},
	"tcp-peer":           {"address=h:1", peerEffects + " address=x:1 tls=c"},
	"udp-peer":           {"address=h:1", peerEffects + " address=x:1"},
	"ws-peer":            {"address=wss://h", peerEffects + " address=wss://x tls=c extraheader=a:b"},
	"work-signing":       {"privatekey=text:", "privatekey=text:x tokenexpiration=1h"},
	"work-verification":  {"publickey=text:", "publickey=text:x clocktolerance=1h"},
	"work-command":       {"worktype=a command=b", "worktype=x command=x params=x allowruntimeparams=1 verifysignature=1 " + limitEffects},
	"work-kubernetes": {"worktype=a namespace=n authmethod=kubeconfig allowruntimecommand=1 allowruntimepod=1",
		"worktype=x namespace=x image=x command=x params=x authmethod=incluster kubeconfig=text: pod=x allowruntimeauth=1 allowruntimecommand=0 " +
			"allowruntimeparams=1 allowruntimepod=0 deletepodonrestart=0 streammethod=tcp checkinput=1 verifysignature=1 " + limitEffects},
	"work-python": {"worktype=a plugin=b function=c", `worktype=x plugin=x function=x config={"a":1} interpreter=x verifysignature=1 ` + limitEffects},
}

const (
	pin             = "0011223344556677889900112233445566778899001122334455667788990011"
	tlsEffects      = "name=x cert=x key=x skipreceptornamescheck=1 mintls13=1"
	listenerEffects = `port=2 bindaddr=::1 cost=2 nodecost={"a":1} allowedpeers=a`
	peerEffects     = "redial=no cost=2 allowedpeers=a"
	limitEffects    = "maxconcurrent=1 maxqueued=1 maxoutput=1 retention=1h"
)

// Whatever help shows makes a difference to what runs.
func TestEveryParameterHasAnEffect(t *testing.T) {
	for action, params := range helpNames(t) {
		e, ok := effects[action]
		if !ok {
			t.Errorf("%s is in help and has no line in effects", action)
			continue
		}
		t.Run(action, func(t *testing.T) { e.check(t, action, params) })
	}
}

func (e effect) check(t *testing.T, action string, params []string) {
	needs := append(needed(action), "--"+action)
	needs = append(needs, strings.Fields(e.needs)...)
	alone := parse(t, nil, needs...)
	if action != "node" && reflect.DeepEqual(alone, parse(t, nil, append(needed(action), "--node")...)) {
		t.Errorf("%s has no effect", action)
	}
	given := strings.Fields(e.params)
	for _, param := range params {
		i := slices.IndexFunc(given, func(word string) bool { return strings.HasPrefix(word, param+"=") })
		switch {
		case i >= 0:
			if reflect.DeepEqual(alone, parse(t, nil, append(slices.Clone(needs), given[i])...)) {
				t.Errorf("%s has no effect", given[i])
			}
		case param != "local" && param != "inkey": // in place of outkey, tested in package config
			t.Errorf("%s has no value in effects", param)
		}
	}
}

// Whatever help shows can be reloaded: a change of it is one of what runs, but for the
// node's identity and its data. What makes certificates or only prints runs no node.
func TestEveryParameterIsReloaded(t *testing.T) {
	fixed := map[string]bool{}
	for action, params := range helpNames(t) {
		e := effects[action]
		if strings.HasPrefix(action, "cert-") || action == "version" {
			continue
		}
		needs := append(needed(action), "--"+action)
		needs = append(needs, strings.Fields(e.needs)...)
		alone := parse(t, nil, needs...)
		if action != "node" {
			if err := reloads(t, parse(t, nil, append(needed(action), "--node")...), alone, action); err != nil {
				t.Errorf("%s: %v", action, err)
			}
		}
		for _, word := range strings.Fields(e.params) {
			param, _, _ := strings.Cut(word, "=")
			changed := parse(t, nil, append(slices.Clone(needs), word)...)
			if !slices.Contains(params, param) || reflect.DeepEqual(alone, changed) {
				continue // TestEveryParameterHasAnEffect tells
			}
			if err := reloads(t, alone, changed, action+" "+word); err != nil {
				fixed[action+" "+param] = true
			}
		}
	}
	if want := map[string]bool{"node id": true, "node datadir": true}; !maps.Equal(fixed, want) {
		t.Errorf("needs a restart: %v, want %v", fixed, want)
	}
}

// reloads wants a node to notice the way from one configuration to another, and the way
// back. The error is one that needs a restart.
func reloads(t *testing.T, from, to asked, what string) error {
	t.Helper()
	if from.PayloadTrace != to.PayloadTrace || from.QlogDir != to.QlogDir {
		t.Errorf("%s changes what only the environment does, and no reload", what)
	}
	for _, way := range [][2]node.Config{{from.config(), to.config()}, {to.config(), from.config()}} {
		steps, err := way[0].Diff(way[1])
		var restart *node.FixedError
		if errors.As(err, &restart) {
			return err
		}
		if err != nil || change.Count(steps) == 0 {
			t.Errorf("%s: a reload does %v, %v", what, steps, err)
		}
	}
	return nil
}

// config is what the program hands to the node.
func (a asked) config() node.Config {
	if a.Trace {
		a.Node.Tracer = logging.NewOutput(io.Discard, false).Tracer()
	}
	return a.Node
}

// needed is what parameters may name. What makes certificates stands alone.
func needed(action string) []string {
	if strings.HasPrefix(action, "cert-") || action == "version" {
		return nil
	}
	words := strings.Fields("--tls-server name=s cert=c key=k --tls-client name=c cert=c key=k")
	if action != "work-verification" {
		words = append(words, "--work-verification", "text:")
	}
	return words
}

// helpNames reads the actions and their parameters as a user sees them.
func helpNames(t *testing.T) map[string][]string {
	t.Helper()
	var help bytes.Buffer
	if err := config.WriteHelp(&help, "receptor"); err != nil {
		t.Fatal(err)
	}
	names := make(map[string][]string)
	action := ""
	for line := range strings.Lines(help.String()) {
		if m := regexp.MustCompile(`^   --([a-z-]+): `).FindStringSubmatch(line); m != nil {
			action = m[1]
			names[action] = nil
		}
		if m := regexp.MustCompile(`^      ([a-z0-9]+)=<`).FindStringSubmatch(line); m != nil {
			names[action] = append(names[action], m[1])
		}
	}
	for _, word := range []string{"check", "schema", "bash-completion"} { // no actions
		delete(names, word)
	}
	if len(names) < len(effects) {
		t.Fatalf("help has only %d actions", len(names))
	}
	return names
}

// Variables of the environment stand in for parameters, and never override them.
func TestVariables(t *testing.T) {
	got := parse(t, map[string]string{
		"RECEPTOR_KUBE_SUPPORT_RECONNECT": "auto", "RECEPTOR_KUBE_CLIENTSET_QPS": "7", "RECEPTOR_KUBE_CLIENTSET_BURST": "8",
		"RECEPTOR_KUBE_CLIENTSET_RATE_LIMITER": "never", "RECEPTOR_PAYLOAD_TRACE_LEVEL": "3", "QLOGDIR": "/q",
		"NODE.ID": "bar", "NODE": "bar", // the existing system takes them; nobody means them
	}, "--local-only", "--node", "id=foo", "receptorkubeclientsetqps=50")
	if want := (config.Kube{SupportReconnect: "auto", QPS: "50", Burst: "8", RateLimiter: "never"}); got.Given.Kube != want {
		t.Errorf("got %+v, want %+v", got.Given.Kube, want)
	}
	if got.PayloadTrace != 3 || got.QlogDir != "/q" || got.Given.ID != "foo" {
		t.Errorf("%+v", got)
	}
	if got := parse(t, map[string]string{"RECEPTOR_PAYLOAD_TRACE_LEVEL": "lots"}, "--local-only"); got.PayloadTrace != 0 {
		t.Errorf("%+v", got)
	}
}
