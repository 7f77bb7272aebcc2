package main

import (
	"os"
	"strings"
	"testing"

	"receptor/cli/receptorctl/client"
)

const listLayout = `
- node:
    id: foo
- local-only
- control-service:
    service: other
- Control-Service: {service: control, Filename: /run/foo.sock}
- control-service: {service: late, filename: /run/late.sock}
- tls-client:
    name: cli
    rootcas: ca.crt
    cert: c.crt
    key: c.key
    insecureskipverify: true
`

const mapLayout = `
version: 2
node: {id: foo}
control-services:
  - service: control
    filename: /run/foo.sock
tls-clients:
  - name: cli
    rootcas: ca.crt
    cert: c.crt
    key: c.key
    insecureskipverify: "yes"
`

func TestBothLayoutsOfTheConfigurationAreUnderstood(t *testing.T) {
	for _, text := range []string{listLayout, mapLayout} {
		cfg, err := parseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		want := client.TLS{RootCAs: "ca.crt", Cert: "c.crt", Key: "c.key", SkipVerify: true}
		if cfg.socket != "/run/foo.sock" || cfg.tlsClients["cli"] != want {
			t.Errorf("got %+v", cfg)
		}
	}
}

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	for _, text := range []string{"just words", "a: [", "\x00"} {
		if cfg, err := parseConfig([]byte(text)); err == nil {
			t.Errorf("%q: got %+v", text, cfg)
		}
	}
}

func TestWhereTheSocketComesFrom(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("foo.yml", listLayout)
	write("none.yml", "- node: {id: x}\n- control-service: {service: control}\n")
	unix := func(p string) client.Address { return client.Address{Network: "unix", Path: p} }
	secure := client.Address{Network: "tcp", TLS: true, Host: "h", Port: "1"}
	for _, c := range []struct {
		given settings
		addr  client.Address
		err   string
	}{
		{settings{socket: "s"}, unix("s"), ""},
		{settings{socket: "s", config: "missing.yml"}, unix("s"), ""},
		{settings{config: "foo.yml"}, unix("/run/foo.sock"), ""},
		{settings{config: "foo.yml", socket: "tls:h:1", tlsClient: "cli"}, secure, ""},
		{settings{config: "foo.yml", socket: "tls:h:1", tlsClient: "nope"}, client.Address{}, "No tls-client named 'nope' in foo.yml"},
		{settings{config: "foo.yml", socket: "tls:h:1"}, client.Address{}, "Must specify both config and tlsclient"},
		{settings{socket: "tls:h:1", tlsClient: "cli"}, secure, ""},
		{settings{config: "none.yml"}, client.Address{}, "Missing parameter: socket"},
		{settings{}, client.Address{}, "Missing parameter: socket"},
	} {
		addr, _, err := c.given.resolve()
		switch {
		case c.err == "" && (err != nil || addr != c.addr):
			t.Errorf("%+v: got %v, %v", c.given, addr, err)
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("%+v: got %v, want %q", c.given, err, c.err)
		}
	}
}

func TestWithoutASocketTheErrorSaysWhereItLooked(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("none.yml", []byte("- control-service: {service: control}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runCtl(t.Context(), strings.NewReader(""), "-c", "none.yml", "status")
	for _, part := range []string{"ERROR: Missing parameter: socket\n", "--socket ", "RECEPTORCTL_SOCKET",
		"none.yml: no control-service with a filename in it", "receptorctl --socket "} {
		if !strings.Contains(got.err, part) || got.code != 1 {
			t.Errorf("%q is missing in\n%s", part, got.err)
		}
	}
}

func TestTheSocketMayComeFromTheEnvironmentOrTheConfiguration(t *testing.T) {
	node := startFake(t, nil)
	t.Setenv("RECEPTORCTL_SOCKET", "unix://"+node.path)
	const out = "receptorctl  1.4.9\nreceptor     1.4.9\n"
	runCtl(t.Context(), strings.NewReader(""), "version").want(t, out, "", 0)
	t.Setenv("RECEPTORCTL_SOCKET", "")
	file := t.TempDir() + "/foo.yml"
	if err := os.WriteFile(file, []byte("- control-service: {filename: "+node.path+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RECEPTORCTL_CONFIG", file)
	runCtl(t.Context(), strings.NewReader(""), "version").want(t, out, "", 0)
}

// A device has no end.
func TestFilesThatAreNotMeant(t *testing.T) {
	got := runCtl(t.Context(), strings.NewReader(""), "--config", "/dev/zero", "status")
	got.want(t, "", "ERROR: /dev/zero is larger than 4 MiB: is it the right file?\n", 1)
	got = runCtl(t.Context(), strings.NewReader(""), "--socket", "/nonexistent", "work", "submit", "cat", "-n", "-a", "x=@/dev/zero")
	got.want(t, "", "ERROR: could not read from file /dev/zero\n/dev/zero is larger than 16 MiB: is it the right file?\n", 101)
}
