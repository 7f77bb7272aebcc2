package blackbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const hubYAML = `---
- node:
    id: hub
    datadir: DATA
    maxidleconnectiontimeout: 30s
- ws-listener:          # names what comes later
    bindaddr: 127.0.0.1
    port: PORT
    path: /mesh
    tls: both
    cost: 1.5
    nodecost:
      leaf: 4
    allowedpeers: [leaf, other]
- tls-server:
    name: both
    cert: HUBCERT
    key: HUBKEY
    clientcas: CA
    requireclientcert: yes
    mintls13: true
    pinnedclientcert:
      - PIN
- control-service:
    filename: SOCKET
    permissions: 0640
    tls: both
- tcp-client:
    service: store
    address: FAR
    tlsserver: both
- log-level: debug
...
`

const leafYAML = `
- node: {id: leaf, datadir: DATA}
- tls-client: {name: own, cert: LEAFCERT, key: LEAFKEY, rootcas: CA}
- ws-peer: {address: "wss://localhost:PORT/mesh", tls: own, cost: 4, extraheader: "X-A: b"}
- control-service: {filename: SOCKET}
- tcp-server: {port: ENTRY, bindaddr: 127.0.0.1, remotenode: hub, remoteservice: store, tlsclient: own}
`

// Everything at once from configuration files.
func TestNetworkFromYAML(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	ofHub, ofLeaf := w.issue(ca, "hub", of("hub")), w.issue(ca, "leaf", of("leaf"))
	pin, _ := w.pins(ofLeaf.cert)
	far, entry, port := w.serve("tcp4", "127.0.0.1:0", store), w.port(), w.port()
	hub, leaf := w.fromFile("hub", ""), w.fromFile("leaf", "")
	words := strings.NewReplacer("DATA", hub.DataDir, "PORT", fmt.Sprint(port), "ENTRY", fmt.Sprint(entry), "FAR", far.Addr().String(),
		"HUBCERT", ofHub.cert, "HUBKEY", ofHub.key, "LEAFCERT", ofLeaf.cert, "LEAFKEY", ofLeaf.key, "CA", ca.cert, "PIN", pin)
	hub.ConfigFile = w.file("hub.yml", strings.ReplaceAll(words.Replace(hubYAML), "SOCKET", hub.Socket))
	leaf.ConfigFile = w.file("leaf.yml", strings.ReplaceAll(words.Replace(leafYAML), "SOCKET", leaf.Socket))
	w.up(hub, leaf)
	w.must(leaf.Sees(w.ctx, "hub"))
	s, err := hub.Status(w.ctx)
	w.must(err)
	if len(s.Connections) != 1 || s.Connections[0].Cost != 4 {
		t.Errorf("connections %v", s.Connections)
	}
	w.carries(w.dial("tcp4", local(entry)), 1<<20)
	if err := w.reaches(leaf, "hub", "control", "own"); err != nil {
		t.Error(err)
	}
	start := time.Now()
	if err := w.reaches(leaf, "hub", "control", ""); err == nil || time.Since(start) > atOnce {
		t.Errorf("without TLS: %v after %v", err, time.Since(start))
	}
}
