package config

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func TestHelp(t *testing.T) {
	var got bytes.Buffer
	if err := WriteHelp(&got, "receptor"); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/help.txt"
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("help differs from %s:\n%s", golden, got.String())
	}
}

// Names are part of a grammar: what looks them up relies on their form.
func TestTableIsConsistent(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	word := regexp.MustCompile(`^[a-z]+[0-9]*$`)
	seen := map[string]bool{"help": true, "config": true, "c": true, "h": true}
	for _, a := range table {
		if !name.MatchString(a.name) || seen[a.name] {
			t.Errorf("action name %q", a.name)
		}
		seen[a.name] = true
		bares := 0
		params := map[string]bool{}
		for _, p := range a.params {
			if !word.MatchString(p.name) || params[p.name] {
				t.Errorf("%s: parameter name %q", a.name, p.name)
			}
			params[p.name] = true
			if p.rules&bare != 0 {
				bares++
			}
			if !strings.HasSuffix(p.about, ".") {
				t.Errorf("%s: %s is not described by a sentence", a.name, p.name)
			}
			if !settable(a, p) {
				t.Errorf("%s: %s can't be set", a.name, p.name)
			}
			if _, text := p.at(a.fresh()).(*string); p.rules&(namesServer|namesClient) != 0 && !text {
				t.Errorf("%s: %s can't hold a name", a.name, p.name)
			}
		}
		if bares > 1 {
			t.Errorf("%s: %d bare parameters", a.name, bares)
		}
	}
}

func settable(a action, p param) bool {
	return slices.ContainsFunc([]string{"1", "{}", "[]"}, func(text string) bool { return setText(p.at(a.fresh()), text) == nil })
}

// What existing configurations are written with; help may say more.
func TestEveryKnownNameIsThere(t *testing.T) {
	const tls = "name! cert! key! skipreceptornamescheck mintls13 "
	const listener = "bindaddr port! cost nodecost allowedpeers "
	const peer = "address! redial cost allowedpeers "
	for name, params := range map[string]string{
		"node":               "id datadir minfreedisk remoteretention firewallrules maxidleconnectiontimeout receptorkubesupportreconnect receptorkubeclientsetqps receptorkubeclientsetburst receptorkubeclientsetratelimiter",
		"local-only":         "local",
		"version":            "",
		"log-level":          "level",
		"trace":              "",
		"tls-server":         tls + "requireclientcert clientcas pinnedclientcert",
		"tls-client":         tls + "rootcas insecureskipverify pinnedservercert",
		"cert-init":          "commonname! bits notbefore notafter outcert! outkey!",
		"cert-makereq":       "commonname! bits dnsname ipaddress nodeid outreq! inkey outkey",
		"cert-signreq":       "req! cacert! cakey! notbefore notafter outcert! verify",
		"control-service":    "service filename permissions tls tcplisten tcptls",
		"command-service":    "service! command! tls",
		"ip-router":          "networkname! interface localnet! routes",
		"tcp-server":         "port! bindaddr remotenode! remoteservice! tlsserver tlsclient",
		"tcp-client":         "service! address! tlsserver tlsclient",
		"udp-server":         "port! bindaddr remotenode! remoteservice!",
		"udp-client":         "service! address!",
		"unix-socket-server": "filename! permissions remotenode! remoteservice! tls",
		"unix-socket-client": "service! filename! tls",
		"tcp-listener":       listener + "tls",
		"tcp-peer":           peer + "tls",
		"udp-listener":       listener,
		"udp-peer":           peer,
		"ws-listener":        listener + "path tls",
		"ws-peer":            peer + "extraheader tls",
		"work-command":       "worktype! command! params allowruntimeparams verifysignature maxconcurrent maxqueued maxoutput retention",
		"work-python":        "worktype! plugin! function! config interpreter verifysignature maxconcurrent maxqueued maxoutput retention",
		"work-kubernetes": "worktype! namespace image command params authmethod kubeconfig pod allowruntimeauth allowruntimecommand " +
			"allowruntimeparams allowruntimepod deletepodonrestart streammethod checkinput verifysignature maxconcurrent maxqueued maxoutput retention",
		"work-signing":      "privatekey tokenexpiration",
		"work-verification": "publickey clocktolerance",
	} {
		a := find(name)
		if a == nil {
			t.Errorf("no %s", name)
			continue
		}
		for _, want := range strings.Fields(params) {
			plain, needed := strings.CutSuffix(want, "!")
			if p := a.param(plain); p == nil || needed != (p.rules&required != 0) {
				t.Errorf("%s: %s is not as it should be", name, want)
			}
		}
	}
}

func TestNearestName(t *testing.T) {
	for written, want := range map[string]string{
		"tcp-peers": "tcp-peer", "loglevel": "log-level", "local_only": "local-only", "workcommand": "work-command",
		"contorl-service": "control-service", "udp-peers": "udp-peer", "tls-severs": "tls-server", "certmakereq": "cert-makereq", "vresion": "version", "hlep": "help", "confg": "config", "bogus": "node",
	} {
		if got := didYouMean(written, words()); !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%s:%s, want %s", written, got, want)
		}
	}
}
