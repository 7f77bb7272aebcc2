package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"receptor/transport/wire"
)

// vector is one entry of the captured files in testdata.
type vector struct {
	Name         string
	MessageHex   string `json:"message_hex"`
	InputMessage string `json:"input_message_hex"`
	InputJSON    string `json:"input_json"`
	Decoded      struct {
		HopsToLive  byte   `json:"hops_to_live"`
		FromHash    string `json:"from_hash"`
		ToHash      string `json:"to_hash"`
		FromNode    string `json:"from_node"`
		ToNode      string `json:"to_node"`
		FromService string `json:"from_service"`
		ToService   string `json:"to_service"`
		PayloadText string `json:"payload_text"`
	}
}

// load reads the vectors of a captured file.
func load[V any](t testing.TB, file string) []V {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Vectors []V }
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Vectors) == 0 {
		t.Fatalf("%s holds no vectors", file)
	}
	return f.Vectors
}

func (v vector) message(t testing.TB) []byte {
	t.Helper()
	msg, err := hex.DecodeString(v.MessageHex)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestNodeHashes(t *testing.T) {
	for _, v := range load[struct {
		Name    string
		HashHex string `json:"hash_hex"`
		NameHex string `json:"name_utf8_hex"`
	}](t, "mesh-node-hash.json") {
		if strings.EqualFold(v.Name, "localhost") {
			continue // the hash of the local node's ID, whatever that is: decided above this package
		}
		name, err := hex.DecodeString(v.NameHex)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%016x", wire.NodeHash(string(name))); got != v.HashHex {
			t.Errorf("%q: hash %s, want %s", v.Name, got, v.HashHex)
		}
	}
}

func TestRoutingUpdatesKeepTheirBytes(t *testing.T) {
	for _, v := range load[vector](t, "mesh-routing-update.json") {
		t.Run(v.Name, func(t *testing.T) {
			msg := v.message(t)
			u, err := wire.DecodeRoutingUpdate(msg)
			if err != nil {
				t.Fatal(err)
			}
			expectEncoded(t, u, msg)
		})
	}
}

// The captured "forwarded" messages are what another node made of input_json.
func TestForwardedUpdateEqualsTheCapturedOne(t *testing.T) {
	for _, v := range load[vector](t, "mesh-routing-update.json") {
		if !strings.HasPrefix(v.Name, "forwarded") {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			u, err := wire.DecodeRoutingUpdate(append([]byte{wire.TypeRoutingUpdate}, v.InputJSON...))
			if err != nil {
				t.Fatal(err)
			}
			u.ForwardingNode = "alpha"
			expectEncoded(t, u, v.message(t))
		})
	}
}

func TestAdvertisementsKeepTheirBytes(t *testing.T) {
	for _, v := range load[vector](t, "mesh-service-advertisement.json") {
		t.Run(v.Name, func(t *testing.T) {
			msg := v.message(t)
			a, err := wire.DecodeAdvertisement(msg)
			if err != nil {
				t.Fatal(err)
			}
			if v.Name == "forwarded-verbatim" { // never encoded anew: that would lose what it holds more
				expectVerbatim(t, a)
				return
			}
			expectEncoded(t, a, msg)
			a.TimeText = "" // an own advertisement has none
			expectEncoded(t, a, msg)
		})
	}
}

func expectVerbatim(t *testing.T, a wire.Advertisement) {
	t.Helper()
	if a.NodeID != "raw" || a.Service != "svc1" || a.ConnType != 7 || a.Tags["b"] != "2" || a.TimeText != "2031-01-01T00:00:00+02:00" {
		t.Errorf("decoded %+v", a)
	}
}

func TestDataMessages(t *testing.T) {
	for _, v := range load[vector](t, "mesh-data-message.json") {
		t.Run(v.Name, func(t *testing.T) {
			msg, d := v.message(t), v.Decoded
			h, err := wire.DecodeHeader(msg)
			if err != nil {
				t.Fatal(err)
			}
			from, to := fmt.Sprintf("%016x", h.From), fmt.Sprintf("%016x", h.To)
			if h.HopsToLive != d.HopsToLive || from != d.FromHash || to != d.ToHash ||
				h.FromService.String() != d.FromService || h.ToService.String() != d.ToService {
				t.Errorf("decoded %+v, want %+v", h, d)
			}
			head := bytes.Repeat([]byte{0xff}, wire.HeaderLen)
			h.Put(head)
			if !bytes.Equal(head, msg[:wire.HeaderLen]) {
				t.Errorf("header\n got %x\nwant %x", head, msg[:wire.HeaderLen])
			}
			if d.ToService == "unreach" {
				expectUnreachable(t, msg[wire.HeaderLen:])
			}
		})
	}
}

func expectUnreachable(t *testing.T, payload []byte) {
	t.Helper()
	u, err := wire.DecodeUnreachable(payload)
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.Encode()
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("encoded %s, %v\nwant %s", got, err, payload)
	}
}

func TestForwardedHeaderEqualsTheCapturedOne(t *testing.T) {
	for _, v := range load[vector](t, "mesh-data-message.json") {
		if v.Name != "forwarded" {
			continue
		}
		msg, err := hex.DecodeString(v.InputMessage)
		if err != nil {
			t.Fatal(err)
		}
		h, err := wire.DecodeHeader(msg)
		if err != nil {
			t.Fatal(err)
		}
		h.HopsToLive--
		h.Put(msg)
		if want := v.message(t); !bytes.Equal(msg, want) {
			t.Errorf("got  %x\nwant %x", msg, want)
		}
		return
	}
	t.Fatal("the vector is missing")
}

func TestReject(t *testing.T) {
	for _, v := range load[vector](t, "mesh-reject.json") {
		if msg := v.message(t); !bytes.Equal(wire.Reject, msg) {
			t.Errorf("%s: reject is %x, want %x", v.Name, wire.Reject, msg)
		}
	}
}

func expectEncoded(t *testing.T, m interface{ Encode() ([]byte, error) }, want []byte) {
	t.Helper()
	got, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("encoded\n got %q\nwant %q", got, want)
	}
}
