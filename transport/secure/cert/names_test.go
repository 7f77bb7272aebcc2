package cert

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// vectors are what the existing implementation encodes and decodes.
type vectors struct {
	Issued struct {
		NodeID       string            `json:"node_id"`
		DNS, IP      []string          //
		PEM          string            `json:"pem"`
		CA           string            `json:"ca_pem"`
		Fingerprints map[string]string `json:"leaf_der_fingerprints"`
	} `json:"issued_certificate"`
	Vectors []struct {
		NodeIDs []string `json:"node_ids"`
		DNS     []string `json:"dns_names"`
		IP      []string `json:"ip_addresses"`
		Value   string   `json:"subject_alt_name_extension_value_der_hex"`
		Decoded []string `json:"names_decoded_by_reference"`
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/mesh-receptor-name-san.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Vectors) < 5 {
		t.Fatalf("only %d vectors", len(v.Vectors))
	}
	return v
}

func TestNamesAsRecorded(t *testing.T) {
	for _, v := range readVectors(t).Vectors {
		name := strings.Join(v.NodeIDs, "+")
		addrs, err := ParseIPs(v.IP)
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := hex.DecodeString(v.Value)
		if err != nil {
			t.Fatal(err)
		}
		ext, err := Names{DNS: v.DNS, IP: addrs, NodeIDs: v.NodeIDs}.Extension()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := ParseNames(recorded)
		if v.Decoded == nil { // the existing encoder fails on IDs that long
			if err == nil {
				t.Errorf("%s: broken bytes decoded to %v", name, decoded)
			}
			continue
		}
		if !bytes.Equal(ext.Value, recorded) {
			t.Errorf("%s: encoded %x, recorded %x", name, ext.Value, recorded)
		}
		if err != nil || !slices.Equal(decoded.NodeIDs, v.Decoded) || !slices.Equal(decoded.DNS, v.DNS) || !slices.Equal(decoded.IP, addrs) {
			t.Errorf("%s: decoded %v, %v", name, decoded, err)
		}
	}
}

func TestIssuedCertificateAsRecorded(t *testing.T) {
	v := readVectors(t).Issued
	c, err := ReadCertificate([]byte(v.PEM))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := NodeIDs(c)
	if err != nil || !slices.Equal(ids, []string{v.NodeID}) {
		t.Errorf("node IDs %v, %v", ids, err)
	}
	for _, kind := range []string{"sha256", "sha512"} {
		pins, err := ParseFingerprints([]string{v.Fingerprints[kind]})
		if err != nil {
			t.Fatal(err)
		}
		if !pins[0].Matches(c.Raw) || pins[0].Matches(c.Raw[1:]) {
			t.Errorf("%s does not tell certificates apart", kind)
		}
	}
}

func TestLongNodeIDs(t *testing.T) {
	for _, size := range []int{1, 112, 113, 127, 128, 255, 256, 300, 70000} {
		id := strings.Repeat("n", size)
		ext, err := Names{NodeIDs: []string{id, "b"}}.Extension()
		if err != nil {
			t.Fatal(err)
		}
		names, err := ParseNames(ext.Value)
		if err != nil || !slices.Equal(names.NodeIDs, []string{id, "b"}) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	for want, n := range map[string]Names{
		"invalid DNS name: nodé":          {DNS: []string{"nodé"}},
		`invalid node ID: ""`:             {NodeIDs: []string{""}},
		`invalid node ID: "\xff"`:         {NodeIDs: []string{"\xff"}},
		"invalid IP address: fe80::1%eth": {IP: []netip.Addr{netip.MustParseAddr("fe80::1%eth")}},
		"invalid IP address: invalid IP":  {IP: []netip.Addr{{}}},
	} {
		if _, err := n.Extension(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, text := range []string{"999", "", "fe80::1%eth0", "1.2.3"} {
		if _, err := ParseIPs([]string{text}); err == nil || err.Error() != "invalid IP address: "+text {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Other encoders use other kinds of strings, and names of other kinds.
func TestForeignNames(t *testing.T) {
	type printable struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"tag:0,explicit,printable"`
	}
	own, err := asn1.MarshalWithParams(printable{oidNodeID, "node1"}, "tag:0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := asn1.MarshalWithParams(printable{asn1.ObjectIdentifier{1, 2, 3}, "x"}, "tag:0")
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal([]asn1.RawValue{
		{FullBytes: other}, {Class: asn1.ClassContextSpecific, Tag: tagEmail, Bytes: []byte("a@b")},
		{Class: asn1.ClassContextSpecific, Tag: tagURI, Bytes: []byte("http://x")},
		{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{42}}, {FullBytes: own},
	})
	if err != nil {
		t.Fatal(err)
	}
	names, err := ParseNames(der)
	if err != nil || !slices.Equal(names.NodeIDs, []string{"node1"}) || len(names.Other) != 4 {
		t.Errorf("%+v, %v", names, err)
	}
}

func TestBrokenNames(t *testing.T) {
	good := "3016a01406092b0601040192081301a0070c056e6f646531"
	for name, text := range map[string]string{
		"nothing":             "",
		"no sequence":         "0400",
		"bytes behind":        good + "00",
		"cut":                 good[:40],
		"no context tag":      "30020500",
		"address of 3 bytes":  "3005870301020300"[:14],
		"no type":             "3002a000",
		"no value":            "300da00b06092b0601040192081301",
		"value no string":     "3012a01006092b0601040192081301a003020105",
		"two strings":         "3015a01306092b0601040192081301a0060c01610c0162",
		"length longer":       "3016a01406092b0601040192081301a0070c7f6e6f646531",
		"string not UTF-8":    "3012a01006092b0601040192081301a0030c01ff",
		"value without tag 0": "3012a01006092b0601040192081301a1030c0161",
	} {
		der, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if names, err := ParseNames(der); !errors.Is(err, errNames) {
			t.Errorf("%s: %+v, %v", name, names, err)
		}
		c := &x509.Certificate{Extensions: []pkix.Extension{{Id: oidAltName, Value: der}}}
		if ids, err := NodeIDs(c); !errors.Is(err, errNames) {
			t.Errorf("%s in a certificate: %v, %v", name, ids, err)
		}
	}
}

func TestOneNameIsEnough(t *testing.T) {
	for _, c := range []struct {
		names Names
		empty bool
	}{
		{Names{}, true},
		{Names{DNS: []string{"a"}}, false},
		{Names{IP: []netip.Addr{netip.IPv6Loopback()}}, false},
		{Names{NodeIDs: []string{"a"}}, false},
	} {
		if got := c.names.Empty(); got != c.empty {
			t.Errorf("%+v: empty %v", c.names, got)
		}
	}
}

func FuzzParseNames(f *testing.F) {
	for _, v := range readVectors(f).Vectors {
		der, err := hex.DecodeString(v.Value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		names, err := ParseNames(der)
		if err != nil {
			return
		}
		ext, err := names.Extension()
		if err != nil {
			return // such as a DNS name that is none
		}
		again, err := ParseNames(ext.Value)
		if err != nil || !slices.Equal(again.NodeIDs, names.NodeIDs) || !slices.Equal(again.DNS, names.DNS) {
			t.Errorf("%+v became %+v, %v", names, again, err)
		}
	})
}

func TestBadFingerprints(t *testing.T) {
	for text, want := range map[string]string{
		"zz":                     "error decoding fingerprint",
		"abc":                    "error decoding fingerprint",
		"":                       "fingerprints must be 32 or 64 bytes for sha256 or sha512",
		strings.Repeat("ab", 20): "fingerprints must be 32 or 64 bytes for sha256 or sha512",
	} {
		if _, err := ParseFingerprints([]string{text}); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	colons := strings.TrimSuffix(strings.Repeat("Ab:", 32), ":")
	if pins, err := ParseFingerprints([]string{colons, strings.Repeat("ab", 64)}); err != nil || len(pins) != 2 {
		t.Errorf("%v, %v", pins, err)
	}
}
