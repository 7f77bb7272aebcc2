package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every action that opens something can stand in one configuration.
func TestBinaryRunsAllActions(t *testing.T) {
	o := newOffice(t)
	crt, key, ca := filepath.Join(o.dir, "foo.crt"), filepath.Join(o.dir, "foo.key"), filepath.Join(o.dir, "ca.crt")
	args := []string{
		binary, "--node", "id=foo", "datadir=" + o.dir, `firewallrules=[{"action":"drop","fromnode":"/x|y/"}]`, "receptorkubeclientsetqps=50",
		"--tcp-listener", "0", "bindaddr=127.0.0.1", "tls=s", "--udp-listener", "0", "bindaddr=::1", "--ws-listener", "0", "bindaddr=[::1]", "path=/mesh", "tls=s",
		"--tcp-peer", "127.0.0.1:1", "tls=c", "redial=no", "--udp-peer", "127.0.0.1:1", "redial=no", "--ws-peer", "wss://127.0.0.1:1", "extraheader=a:b", "redial=no",
		"--control-service", "filename=" + filepath.Join(o.dir, "s"), "tls=s", "tcplisten=127.0.0.1:0", "tcptls=s",
		"--command-service", "service=cmd", "command=cat", "tls=s",
		"--tcp-server", "port=0", "bindaddr=127.0.0.1", "remotenode=bar", "remoteservice=x", "tlsserver=s", "tlsclient=c",
		"--tcp-client", "service=tcp", "address=127.0.0.1:1", "tlsserver=s", "tlsclient=c",
		"--udp-server", "port=0", "bindaddr=127.0.0.1", "remotenode=bar", "remoteservice=x", "--udp-client", "service=udp", "address=127.0.0.1:1",
		"--unix-socket-server", "filename=" + filepath.Join(o.dir, "u"), "remotenode=bar", "remoteservice=x", "tls=c",
		"--unix-socket-client", "service=unix", "filename=/nowhere", "tls=s",
		"--tls-server", "name=s", "cert=" + crt, "key=" + key, "requireclientcert=yes", "clientcas=" + ca,
		"--tls-client", "name=c", "cert=" + crt, "key=" + key, "rootcas=" + ca, "mintls13=yes",
	}
	d := startDaemon(t, args...)
	d.expect(t, complete)
	d.signal(t, syscall.SIGTERM)
	for d.lines.Scan() { // the peers that are not there are errors by now, or not yet
	}
	if err := d.cmd.Wait(); err != nil || d.stderr.Len() > 0 {
		t.Errorf("%v, stderr:\n%s", err, d.stderr.String())
	}
}

// A rule of the command line decides about messages of the node to itself.
func TestBinaryHasAFirewall(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	d := startDaemon(t, binary, "--node", "id=foo", "datadir="+dir, `firewallrules=[{"action":"Reject","tonode":"foo","toservice":"/pi.*/"}]`,
		"--local-only", "--control-service", "filename="+socket)
	d.expect(t, complete)
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(conn, "ping foo"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(conn)
	answers.Scan() // the greeting
	if !answers.Scan() || !strings.Contains(answers.Text(), `"Error":"blocked by firewall"`) {
		t.Errorf("ping: %q, %v", answers.Text(), answers.Err())
	}
	d.signal(t, syscall.SIGTERM)
	d.ends(t)
}
