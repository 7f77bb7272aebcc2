package kube

import (
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestConfigsThatAreGiven(t *testing.T) {
	user := func(text string) string {
		return `{"apiVersion":"v1","kind":"Config","users":[{"name":"u","user":{` + text + `}}]}`
	}
	for text, want := range map[string]string{
		user(`"token":"t"`): "",
		user(`"client-certificate-data":"YQ==","client-key-data":"YQ=="`):                      "",
		user(`"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"/bin/touch"}`): "names a program to run",
		user(`"auth-provider":{"name":"gcp"}`):                                                 "auth-provider",
		user(`"tokenFile":"/etc/shadow"`):                                                      "names files of this node",
		user(`"client-key":"/etc/shadow"`):                                                     "names files of this node",
		"hunter2: [":                                                                           "kubeconfig can't be read",
	} {
		err := CheckGiven(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Error("the text is shown:", err)
		}
	}
}

const config = `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],
	"contexts":[{"name":"x","context":{"cluster":"c","namespace":"ns"}},{"name":"y","context":{"cluster":"c"}}],"current-context":"`

func TestClientsAreShared(t *testing.T) {
	c := &Clients{Log: zerolog.Nop()}
	a, freeA, err := c.Get(Access{Config: config + `x"}`})
	if err != nil {
		t.Fatal(err)
	}
	b, freeB, err := c.Get(Access{Config: config + `x"}`})
	if err != nil || a != b {
		t.Errorf("two clients for one cluster: %v", err)
	}
	other, freeOther, err := c.Get(Access{Config: config + `y"}`})
	if err != nil || other == a {
		t.Errorf("one client for two users: %v", err)
	}
	if ns, err := a.NamespaceFor(""); ns != "ns" || err != nil {
		t.Error(ns, err)
	}
	if ns, err := a.NamespaceFor("mine"); ns != "mine" || err != nil {
		t.Error(ns, err)
	}
	if _, err := other.NamespaceFor(""); !errors.Is(err, errNoNamespace) {
		t.Error(err)
	}
	freeA()
	freeA()
	freeOther()
	if len(c.shared) != 1 {
		t.Errorf("%d clients are kept", len(c.shared))
	}
	freeB()
	if _, _, err := c.Get(Access{Config: "secret: ["}); !errors.Is(err, errConfig) || len(c.shared) != 0 {
		t.Errorf("%v, %d clients are kept", err, len(c.shared))
	}
}

func TestRateLimits(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		qps      float32
		burst    int
	}{
		"default": {Settings{}, 100, 1000},
		"qps":     {Settings{QPS: 5}, 5, 50},
		"both":    {Settings{QPS: 5, Burst: 7}, 5, 7},
		"burst":   {Settings{Burst: 7}, 100, 7},
	} {
		client, err := newClient(Access{Config: config + `x"}`}, c.settings)
		if err != nil || client.cfg.QPS != c.qps || client.cfg.Burst != c.burst || client.cfg.RateLimiter.QPS() != c.qps {
			t.Errorf("%s: %v, %v, %v", name, client.cfg.QPS, client.cfg.Burst, err)
		}
	}
	for mode, pass := range map[string]bool{"always": true, "Never": false} {
		client, err := newClient(Access{Config: config + `x"}`}, Settings{RateLimiter: mode})
		if err != nil || client.cfg.RateLimiter.TryAccept() != pass {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestVersionsWhoseStampsWork(t *testing.T) {
	for version, want := range map[string]bool{
		"v1.23.13": false, "v1.23.14": true, "v1.24.7": false, "v1.24.8": true, "v1.25.3": false, "v1.25.4": true, "v1.25.4-eks-1": true,
		"v1.26.0": true, "v1.34.4+k3s1": true, "v1.22.17": false, "v2.0.0": true, "": false, "v1.x.0": false, "1.26": false, "v0.30.0": false,
	} {
		if got := (Settings{}).StampsWork(version); got != want {
			t.Errorf("%s: %t", version, got)
		}
	}
	for setting, want := range map[string]bool{"enabled": true, "Auto": true, "disabled": false, "x": false} {
		if got := (Settings{Reconnect: setting}).StampsWork("v1.22.0"); got != want {
			t.Errorf("%s: %t", setting, got)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for text, want := range map[string]string{
		`{"status":"Success"}`:                     "",
		`{"status":"Failure","message":"no luck"}`: "no luck",
		"":        ErrBroken.Error(),
		"garbage": "the cluster says: garbage",
	} {
		err := outcome([]byte(text), nil)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := outcome(nil, errors.New("reset")); !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
}
