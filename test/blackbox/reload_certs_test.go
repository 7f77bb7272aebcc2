package blackbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Certificates that a file asks for beside the node are made by a reload as they are at
// the start: those that are missing.
func TestReloadMakesCertificates(t *testing.T) {
	w := newWorld(t)
	foo := w.configured("foo")
	at := func(name string) string { return filepath.Join(w.Dir, name) }
	sections := func(more ...string) {
		text := fmt.Sprintf("node: {id: foo, datadir: %s}\ncontrol-services: [{service: control, filename: %s}]\nlocal-only: {local: true}\n", foo.DataDir, foo.Socket)
		w.must(os.WriteFile(foo.ConfigFile, []byte(text+strings.Join(more, "\n")), 0o600))
	}
	sections()
	w.up(foo.Node)
	certs := func(sign string) []string {
		return []string{
			fmt.Sprintf("cert-init: {commonname: ca, keytype: ecdsa, outcert: %s, outkey: %s}", at("ca.crt"), at("ca.key")),
			fmt.Sprintf("cert-makereqs: [{commonname: foo, keytype: ecdsa, nodeid: foo, outreq: %s, outkey: %s}]", at("foo.req"), at("foo.key")),
			fmt.Sprintf("cert-signreqs: [{req: %s, cacert: %s, cakey: %s, outcert: %s%s}]", at("foo.req"), at("ca.crt"), at("ca.key"), at("foo.crt"), sign),
			fmt.Sprintf("tls-servers: [{name: s, cert: %s, key: %s}]", at("foo.crt"), at("foo.key")),
			"tcp-listeners: [{bindaddr: 127.0.0.1, port: 0, tls: s}]",
		}
	}
	sections(certs("")...)
	foo.refuses(4, "making certificates", "ERRORCODE 4") // nobody says yes
	w.must(os.Remove(at("ca.crt")))
	sections(certs(", verify: true")...)
	_, stderr, code := w.run(programs.Receptorctl, "--socket", foo.Socket, "reload", "--dry-run")
	if _, err := os.Stat(at("ca.crt")); code != 4 || !strings.Contains(stderr, at("ca.crt")) || err == nil {
		t.Errorf("dry run: exit status %d, %q, the file: %v", code, stderr, err)
	}
	w.must(os.Remove(at("ca.key")))
	foo.byCommand()
	made, err := os.ReadFile(at("foo.crt"))
	w.must(err)
	foo.would("Nothing would change\n")
	sections(append(certs(", verify: true"), "log-level: {level: debug}")...)
	foo.byCommand()
	if now, err := os.ReadFile(at("foo.crt")); err != nil || !bytes.Equal(now, made) {
		t.Errorf("a certificate that was there: %v", err)
	}
	w.must(os.WriteFile(foo.ConfigFile, []byte("version:\n"), 0o600))
	foo.refuses(3, "node")
	w.must(os.WriteFile(foo.ConfigFile, []byte("- version\n"), 0o600))
	foo.refuses(4, "asks for no node")
}
