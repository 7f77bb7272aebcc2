package wire_test

import (
	"errors"
	"maps"
	"math"
	"reflect"
	"testing"

	"receptor/transport/wire"
)

func TestServiceNames(t *testing.T) {
	for _, name := range []string{"", "a", "control", "abcdefgh"} {
		s, err := wire.ParseService(name)
		if err != nil || s.String() != name {
			t.Errorf("%q became %q, %v", name, s, err)
		}
	}
	if _, err := wire.ParseService("abcdefghi"); err == nil || err.Error() != "service name abcdefghi too long (at most 8 bytes)" {
		t.Errorf("nine bytes: %v", err)
	}
}

func TestShortAndForeignMessagesAreRefused(t *testing.T) {
	long := make([]byte, wire.HeaderLen)
	long[0] = wire.TypeReject
	cases := map[string]struct {
		msg  []byte
		want error
	}{
		"nothing": {nil, wire.ErrShort},
		"foreign": {long, wire.ErrType},
	}
	for name, c := range cases {
		_, header := wire.DecodeHeader(c.msg)
		_, update := wire.DecodeRoutingUpdate(c.msg)
		_, ad := wire.DecodeAdvertisement(c.msg)
		for _, err := range []error{header, update, ad} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	}
	if _, err := wire.DecodeHeader(make([]byte, wire.HeaderLen-1)); !errors.Is(err, wire.ErrShort) {
		t.Errorf("35 bytes: %v", err)
	}
}

func TestUnreachableThatIsNone(t *testing.T) {
	for _, payload := range []string{"", "{", `{"FromNode":7}`} {
		if u, err := wire.DecodeUnreachable([]byte(payload)); err == nil {
			t.Errorf("%q is read as %+v", payload, u)
		}
	}
}

func TestUpdatesThatOthersAccept(t *testing.T) {
	const epoch = 30120641863933481 // odd and above 2^53: a float64 would lose the last bit
	cases := map[string]struct {
		body string
		want wire.RoutingUpdate
	}{
		"empty object":       {`{}`, wire.RoutingUpdate{}},
		"null":               {`null`, wire.RoutingUpdate{}},
		"any case":           {`{"nodeid":"a","UPDATEID":"x"}`, wire.RoutingUpdate{NodeID: "a", UpdateID: "x"}},
		"big epoch":          {`{"UpdateEpoch":30120641863933481}`, wire.RoutingUpdate{UpdateEpoch: epoch}},
		"greatest epoch":     {`{"UpdateEpoch":18446744073709551615}`, wire.RoutingUpdate{UpdateEpoch: math.MaxUint64}},
		"null connections":   {`{"NodeID":"a","Connections":null}`, wire.RoutingUpdate{NodeID: "a"}},
		"odd costs":          {`{"Connections":{"b":-1,"c":0}}`, wire.RoutingUpdate{Connections: map[string]float64{"b": -1, "c": 0}}},
		"blanks":             {" {\n\"NodeID\" : \"a\" }\n", wire.RoutingUpdate{NodeID: "a"}},
		"capabilities":       {`{"Capabilities":["x","y"]}`, wire.RoutingUpdate{Capabilities: wire.Capabilities{"x", "y"}}},
		"other capabilities": {`{"Capabilities":{"x":1},"NodeID":"a"}`, wire.RoutingUpdate{NodeID: "a"}},
		"mixed capabilities": {`{"Capabilities":["x",1],"NodeID":"a"}`, wire.RoutingUpdate{NodeID: "a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := wire.DecodeRoutingUpdate(append([]byte{wire.TypeRoutingUpdate}, c.body...))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestUpdatesThatNobodyAccepts(t *testing.T) {
	for _, body := range []string{``, `{`, `[]`, `{"UpdateEpoch":-1}`, `{"Connections":{"b":1e999}}`, `{"Connections":{"b":"1"}}`, `{} x`} {
		if u, err := wire.DecodeRoutingUpdate(append([]byte{wire.TypeRoutingUpdate}, body...)); err == nil {
			t.Errorf("%q became %+v", body, u)
		}
	}
	if _, err := (wire.RoutingUpdate{Connections: map[string]float64{"b": math.NaN()}}).Encode(); err == nil {
		t.Error("a cost that is no number was encoded")
	}
}

func TestCapabilitiesAreSentOnlyWhenThereAreSome(t *testing.T) {
	plain := wire.RoutingUpdate{NodeID: "a", Connections: map[string]float64{}}
	expectEncoded(t, plain, []byte("\x01"+`{"NodeID":"a","UpdateID":"","UpdateEpoch":0,"UpdateSequence":0,"Connections":{},"ForwardingNode":"","SuspectedDuplicate":0}`))
	plain.Capabilities = []string{"x"}
	expectEncoded(t, plain, []byte("\x01"+`{"NodeID":"a","UpdateID":"","UpdateEpoch":0,"UpdateSequence":0,"Connections":{},"ForwardingNode":"","SuspectedDuplicate":0,"Capabilities":["x"]}`))
}

func TestAdvertisementsThatOthersAccept(t *testing.T) {
	cases := map[string]struct {
		body string
		want wire.Advertisement
	}{
		"empty object":  {`{}`, wire.Advertisement{}},
		"null":          {`null`, wire.Advertisement{}},
		"only a cancel": {`{"Cancel":true}`, wire.Advertisement{Cancel: true}},
		"null time":     {`{"service":"s","Time":null}`, wire.Advertisement{Service: "s"}},
		"null in lists": {`{"Tags":{"a":null},"WorkCommands":[null]}`,
			wire.Advertisement{Tags: map[string]string{"a": ""}, WorkCommands: []wire.WorkCommand{{}}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := wire.DecodeAdvertisement(append([]byte{wire.TypeServiceAd}, c.body...))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
	if a, err := wire.DecodeAdvertisement([]byte("\x02" + `{"Time":"yesterday"}`)); err == nil {
		t.Errorf("a time that is none became %+v", a)
	}
}

func FuzzHeader(f *testing.F) {
	for _, v := range load[vector](f, "mesh-data-message.json") {
		f.Add(v.message(f))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, err := wire.DecodeHeader(msg)
		if err != nil {
			return
		}
		var head [wire.HeaderLen]byte
		h.Put(head[:])
		again, err := wire.DecodeHeader(head[:])
		if err != nil || again != h {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}

func FuzzRoutingUpdate(f *testing.F) {
	for _, v := range load[vector](f, "mesh-routing-update.json") {
		f.Add(v.message(f))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		u, err := wire.DecodeRoutingUpdate(msg)
		if err != nil {
			return
		}
		again := reread(t, u, wire.DecodeRoutingUpdate)
		if len(u.Capabilities) == 0 {
			u.Capabilities = nil // empty ones are not sent
		}
		if !reflect.DeepEqual(again, u) {
			t.Errorf("%+v became %+v", u, again)
		}
	})
}

func FuzzAdvertisement(f *testing.F) {
	for _, v := range load[vector](f, "mesh-service-advertisement.json") {
		f.Add(v.message(f))
	}
	f.Add([]byte("\x02{}"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		a, err := wire.DecodeAdvertisement(msg)
		if err != nil {
			return
		}
		again := reread(t, a, wire.DecodeAdvertisement)
		same := a.NodeID == again.NodeID && a.Service == again.Service && a.Time.Equal(again.Time) &&
			a.ConnType == again.ConnType && a.Cancel == again.Cancel && maps.Equal(a.Tags, again.Tags) &&
			reflect.DeepEqual(a.WorkCommands, again.WorkCommands)
		if !same || a.TimeText != "" && a.TimeText != again.TimeText {
			t.Errorf("%+v became %+v", a, again)
		}
	})
}

func FuzzUnreachable(f *testing.F) {
	for _, v := range load[vector](f, "mesh-data-message.json") {
		f.Add([]byte(v.Decoded.PayloadText))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		u, err := wire.DecodeUnreachable(payload)
		if err != nil {
			return
		}
		if again := reread(t, u, wire.DecodeUnreachable); again != u {
			t.Errorf("%+v became %+v", u, again)
		}
	})
}

// reread encodes m and decodes the result.
func reread[M interface{ Encode() ([]byte, error) }](t *testing.T, m M, decode func([]byte) (M, error)) M {
	t.Helper()
	msg, err := m.Encode()
	if err != nil {
		t.Fatalf("encode %+v: %v", m, err)
	}
	again, err := decode(msg)
	if err != nil {
		t.Fatalf("decode %q: %v", msg, err)
	}
	return again
}

var (
	headerSink wire.Header
	hashSink   uint64
)

func BenchmarkDecodeHeader(b *testing.B) {
	msg := load[vector](b, "mesh-data-message.json")[0].message(b)
	b.ReportAllocs()
	for b.Loop() {
		headerSink, _ = wire.DecodeHeader(msg)
	}
}

func BenchmarkPutHeader(b *testing.B) {
	h, msg := wire.Header{HopsToLive: 30, From: 1, To: 2}, make([]byte, wire.HeaderLen)
	b.ReportAllocs()
	for b.Loop() {
		h.Put(msg)
	}
}

func BenchmarkNodeHash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		hashSink = wire.NodeHash("node-of-twenty-bytes")
	}
}

func BenchmarkDecodeRoutingUpdate(b *testing.B) {
	msg := load[vector](b, "mesh-routing-update.json")[3].message(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeRoutingUpdate(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHeadersCostNoAllocation(t *testing.T) {
	msg := make([]byte, wire.HeaderLen)
	if n := testing.AllocsPerRun(100, func() {
		h, err := wire.DecodeHeader(msg)
		if err != nil {
			t.Fatal(err)
		}
		h.Put(msg)
	}); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}
