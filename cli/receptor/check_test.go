package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// checked runs receptor --check with a line of arguments.
func checked(args ...string) (int, string) {
	var out strings.Builder
	status := run(append([]string{"receptor", "--check"}, args...), nothing, &out)
	return status, out.String()
}

func TestCheckSaysWhatWouldStart(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	status, out := checked("--node", "foo", "datadir="+dir, `firewallrules=[{"action":"drop"}]`, "--ws-peer", "ws://h:1", "extraheader=token: hush", "--tcp-listener", "2222", `nodecost={"bar":2}`,
		"--control-service", "filename="+socket, "--work-command", "worktype=w", "command=/no/such", "--log-level", "Debug")
	want := "Warning: command of work type w: exec: \"/no/such\": stat /no/such: no such file or directory\n" +
		"The configuration is good. It asks for:\n  node id=foo datadir=" + dir + " firewallrules='[{\"action\":\"drop\"}]'\n  ws-peer address=ws://h:1 extraheader=(not shown)\n" +
		"  tcp-listener port=2222 nodecost='{\"bar\":2}'\n  control-service filename=" + socket + "\n" +
		"  work-command worktype=w command=/no/such\n  log-level level=Debug\n"
	if status != 0 || out != want {
		t.Errorf("status %d\ngot  %s\nwant %s", status, out, want)
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("a check opened the socket")
	}
}

func TestCheckFindsWhatAStartWouldFind(t *testing.T) {
	o := newOffice(t)
	file := func(name string) string { return filepath.Join(o.dir, name) }
	crt, key := "cert="+file("foo.crt"), "key="+file("foo.key")
	node := []string{"--local-only", "--node", "foo", "datadir=" + o.dir}
	for want, args := range map[string][]string{
		"error preparing tls server config: open /nope: no such file or directory":                     {"--tls-server", "name=s", "cert=/nope", key},
		"error preparing tls server config: tls: private key does not match public key":                {"--tls-server", "name=s", crt, "key=" + file("ca.key")},
		"error preparing tls client config: error reading root CAs file: open /nope":                   {"--tls-client", "name=c", "cert=", "key=", "rootcas=/nope"},
		"error in rule 0: fromnode: error parsing regexp":                                              {"--node", `firewallrules=[{"action":"drop","fromnode":"/(/"}]`},
		"unknown TLS config x (there is no tls-server)":                                                {"--tcp-listener", "0", "tls=x"},
		"listen tcp: address 70000: invalid port":                                                      {"--tcp-listener", "70000"},
		"tcp-listener and ws-listener both listen on TCP port 0.0.0.0:2222":                            {"--tcp-listener", "2222", "--ws-listener", "2222"},
		"two services listen on the Unix socket ":                                                      {"--control-service", "filename=" + file("s"), "--control-service", "service=b", "filename=" + file("s")},
		"error opening Unix socket: stat /nope: no such file or directory":                             {"--control-service", "filename=/nope/s"},
		"error opening Unix socket: " + file("ca.crt") + " is there and is no socket":                  {"--control-service", "filename=" + file("ca.crt")},
		"error opening Unix socket: path ":                                                             {"--control-service", "filename=" + file(strings.Repeat("x", 108))},
		"read key " + file("ca.crt") + ": private key file does not contain private key data":          {"--work-signing", file("ca.crt")},
		"read key " + file("ca.crt") + ": public key file does not contain public key data":            {"--work-verification", file("ca.crt")},
		"error opening Unix socket: service control is already listening":                              {"--control-service", "--control-service"},
		"work type a already registered":                                                               {"--work-command", "worktype=a", "command=x", "--work-command", "worktype=a", "command=x"},
		"error setting config value for field port: strconv.ParseInt: parsing \"x\": invalid syntax\n": {"--tcp-listener", "x"},
	} {
		if args[0] == "--node" {
			args = append([]string{"--local-only"}, args...)
		} else {
			args = append(node[:len(node):len(node)], args...)
		}
		if status, out := checked(args...); status != 1 || !strings.HasPrefix(out, "Error: "+want) {
			t.Errorf("%q: status %d\ngot  %s\nwant %s", args, status, out, want)
		}
	}
	if status, out := checked("--node", "foo"); status != 1 || !strings.HasPrefix(out, "Error: nothing to do") {
		t.Errorf("status %d, %s", status, out)
	}
}

// The node whose configuration is checked may be running.
func TestCheckLeavesARunningNodeAlone(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--node", "foo", "datadir=" + dir, "--control-service", "filename=" + filepath.Join(dir, "s"), "--local-only"}
	d := startDaemon(t, append([]string{binary}, args...)...)
	d.expect(t, complete)
	if status, out := checked(append(args, "--tcp-listener", "bindaddr=127.0.0.1", "port="+port)...); status != 0 {
		t.Errorf("status %d, %s", status, out)
	}
	d.signal(t, syscall.SIGTERM)
	d.ends(t)
}
