package iproute

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	routerv1 "receptor/proto/router/v1"
)

func TestParseLocalNet(t *testing.T) {
	for text, want := range map[string]string{
		"abc":           "could not parse abc as a CIDR address",
		"10.0.0.0":      "could not parse 10.0.0.0 as a CIDR address",
		"10.0.0.0/24":   "local network 10.0.0.0/24 must be a /30 CIDR",
		"fe80::/30":     "local network fe80::/30 must be IPv4",
		"10.0.0.0/30":   "10.0.0.0/30 10.0.0.1 10.0.0.2",
		"10.0.0.6/30":   "10.0.0.4/30 10.0.0.5 10.0.0.6",
		"10.255.3.8/30": "10.255.3.8/30 10.255.3.9 10.255.3.10",
	} {
		local, err := ParseLocalNet(text)
		got := local.Prefix.String() + " " + local.Link.String() + " " + local.Peer.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestParseRoutes(t *testing.T) {
	got, err := ParseRoutes("10.1.2.3/16,fd00::1/64, 0.0.0.0/0,")
	want := []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("0.0.0.0/0"),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseRoutes("10.0.0.0/8,x"); err == nil || err.Error() != "could not parse x as a CIDR address" {
		t.Errorf("%v", err)
	}
	if got, err := ParseRoutes(""); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func ad(node string, tags map[string]string) *routerv1.Advertisement {
	return &routerv1.Advertisement{Node: node, Service: "net", Tags: &routerv1.Tags{Values: tags}}
}

func router(network string, routes ...string) map[string]string {
	tags := map[string]string{"type": "IP Router", "network": network}
	for i, r := range routes {
		tags["route_"+string(rune('0'+i))] = r
	}
	return tags
}

func TestLookup(t *testing.T) {
	other := router("net", "10.0.0.0/8")
	other["type"] = "UDP Proxy"
	table := NewTable("net", &routerv1.Status{
		Costs: map[string]float64{"near": 1, "far": 5, "b": 2, "c": 2, "other": 0.1},
		Advertisements: []*routerv1.Advertisement{
			ad("far", router("net", "10.1.0.0/16", "10.2.2.0/24", "fd00:1::/32", "nonsense", "10.9.0.1/24")),
			ad("near", router("net", "10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/8")),
			ad("c", router("net", "172.16.0.0/12")),
			ad("b", router("net", "172.16.0.0/12")),
			ad("gone", router("net", "10.1.1.0/24")),
			ad("other", router("another", "10.1.1.0/24")),
			ad("other", other),
			{Node: "other", Service: "tagless"},
		},
	})
	for to, want := range map[string]string{
		"10.1.1.1":   "near", // the cheaper of two
		"10.2.2.7":   "far",  // the longer prefix, whatever it costs
		"10.2.3.7":   "near",
		"10.77.0.1":  "near",
		"10.9.0.200": "far",
		"172.20.1.1": "b", // the first of two that cost the same
		"fd00:1::1":  "far",
		"8.8.8.8":    "",
		"fd00:2::1":  "",
	} {
		got, ok := table.Lookup(netip.MustParseAddr(to))
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", to, got, want)
		}
	}
	if table.Has("gone") || table.Has("c") || !table.Has("b") {
		t.Error("Has is wrong")
	}
	all := table.Prefixes(netip.MustParsePrefix("10.0.0.0/8"))
	if len(all) != 6 || all[0].String() != "10.1.0.0/16" || all[5].String() != "fd00:1::/32" {
		t.Errorf("%v", all)
	}
}

func TestTablesAreCompared(t *testing.T) {
	status := func(cost float64) *routerv1.Status {
		return &routerv1.Status{
			Costs: map[string]float64{"a": 1, "b": cost},
			Advertisements: []*routerv1.Advertisement{
				ad("a", router("net", "10.0.0.0/8")), ad("b", router("net", "10.0.0.0/8")),
			},
		}
	}
	if !NewTable("net", status(2)).Equal(NewTable("net", status(3))) {
		t.Error("a cost that decides nothing makes a difference")
	}
	if NewTable("net", status(2)).Equal(NewTable("net", status(0.5))) {
		t.Error("another node makes no difference")
	}
	if !NewTable("net", nil).Equal(NewTable("net", &routerv1.Status{})) {
		t.Error("nothing is not nothing")
	}
}

func TestTagsAreReadAgain(t *testing.T) {
	local, err := ParseLocalNet("10.0.0.0/30")
	if err != nil {
		t.Fatal(err)
	}
	routes := []netip.Prefix{netip.MustParsePrefix("10.5.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	tags := Tags("net", local, routes)
	want := map[string]string{
		"type": "IP Router", "network": "net", "route_local": "10.0.0.0/30", "route_0": "10.5.0.0/16", "route_1": "fd00::/8",
	}
	if !maps.Equal(tags, want) {
		t.Errorf("%v", tags)
	}
	table := NewTable("net", &routerv1.Status{
		Costs: map[string]float64{"a": 1}, Advertisements: []*routerv1.Advertisement{ad("a", tags)},
	})
	if got := table.Prefixes(); !slices.Equal(got, append([]netip.Prefix{local.Prefix}, routes...)) {
		t.Errorf("%v", got)
	}
}

// packet4 and packet6 are headers with a payload of n bytes.
func packet4(to string, n int) []byte {
	p := make([]byte, v4Header+n)
	p[0], p[2], p[3] = 0x45, byte(len(p)>>8), byte(len(p))
	copy(p[v4To:], netip.MustParseAddr(to).AsSlice())
	return p
}

func packet6(to string, n int) []byte {
	p := make([]byte, v6Header+n)
	p[0], p[4], p[5] = 0x60, byte(n>>8), byte(n)
	copy(p[v6To:], netip.MustParseAddr(to).AsSlice())
	return p
}

func TestDestination(t *testing.T) {
	long, short := packet4("10.0.0.1", 4), packet4("10.0.0.1", 0)
	long[3], short[3] = 200, 19
	header := packet4("10.0.0.1", 0)
	header[0] = 0x44
	big := packet4("10.0.0.1", 0)
	big[0] = 0x4f
	for name, tc := range map[string]struct {
		packet []byte
		want   string
	}{
		"v4":                 {packet4("10.0.0.1", 10), "10.0.0.1"},
		"v6":                 {packet6("fd00::1", 10), "fd00::1"},
		"padded":             {append(packet4("10.0.0.1", 0), 1, 2, 3), "10.0.0.1"},
		"empty":              {nil, ""},
		"one byte":           {[]byte{0x45}, ""},
		"cut":                {packet4("10.0.0.1", 0)[:19], ""},
		"cut 6":              {packet6("fd00::1", 0)[:39], ""},
		"length 6":           {packet6("fd00::1", 8)[:44], ""},
		"length too long":    {long, ""},
		"length too short":   {short, ""},
		"header too short":   {header, ""},
		"header past length": {big, ""},
		"another version":    {append([]byte{0x55}, make([]byte, 60)...), ""},
	} {
		to, ok := Destination(tc.packet)
		if ok != (tc.want != "") || ok && to.String() != tc.want {
			t.Errorf("%s: %v, %v", name, to, ok)
		}
	}
}

func FuzzDestination(f *testing.F) {
	f.Add(packet4("10.0.0.1", 3))
	f.Add(packet6("fd00::1", 3))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if to, ok := Destination(packet); ok != to.IsValid() {
			t.Errorf("%v, %v", to, ok)
		}
	})
}
