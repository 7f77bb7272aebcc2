package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise/cut"
	inspectv1 "receptor/proto/inspect/v1"
)

// full has a value for everything there is.
func full() *inspectv1.Snapshot {
	up := inspectv1.LinkState_LINK_STATE_ESTABLISHED
	return &inspectv1.Snapshot{
		Node: "foo", Version: "1.0", Started: timestamppb.New(time.Unix(5, 0)),
		Links: []*inspectv1.Link{
			{Backend: "tcp-listener:1", State: inspectv1.LinkState_LINK_STATE_CONNECTING},
			{Backend: "tcp-listener:1", Neighbour: "bar", State: inspectv1.LinkState_LINK_STATE_INTRODUCING},
			{
				Backend: "tcp-listener:1", Neighbour: "bar", State: up, Cost: 2,
				Quality: &inspectv1.Quality{Rtt: durationpb.New(time.Second), Jitter: durationpb.New(1), Loss: proto.Float64(0.5)},
				Traffic: &inspectv1.Traffic{BytesIn: 7}, Queue: &inspectv1.Queue{Bytes: 8, Delay: durationpb.New(1)},
			},
			{Backend: "tcp-peer:2", State: inspectv1.LinkState_LINK_STATE_DOWN, Restarts: 3},
		},
		Plane: &inspectv1.Plane{Forwarded: 1}, Routes: &inspectv1.Routes{KnownNodes: 4},
		Units: &inspectv1.Units{Running: 2, Drained: true}, Sessions: &inspectv1.Sessions{Dialled: 1},
		Certificates: []*inspectv1.Certificate{{Config: "tls-server main", Expires: timestamppb.New(time.Unix(9, 0))}},
		Actors:       []*inspectv1.ActorTotals{{Kind: "link", Running: 1, Oldest: durationpb.New(time.Second)}},
	}
}

func collect(s *inspectv1.Snapshot, err error) *collector {
	return &collector{func(context.Context) (*inspectv1.Snapshot, error) { return s, err }}
}

// Every metric comes out, follows the conventions, and has the value it should.
func TestMetrics(t *testing.T) {
	c := collect(full(), nil)
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Errorf("against the conventions: %v, %v", problems, err)
	}
	for _, m := range all {
		name := nameOf(m)
		if n := testutil.CollectAndCount(c, name); n == 0 {
			t.Errorf("%s does not come out", name)
		}
	}
	want := `
# HELP receptor_link_up 1 while the link to a neighbour is established.
# TYPE receptor_link_up gauge
receptor_link_up{backend="tcp-listener:1",neighbour="bar"} 1
receptor_link_up{backend="tcp-peer:2",neighbour=""} 0
# HELP receptor_link_loss_ratio Share of the latest probes (on TCP: segments) that were lost.
# TYPE receptor_link_loss_ratio gauge
receptor_link_loss_ratio{backend="tcp-listener:1",neighbour="bar"} 0.5
# HELP receptor_units Units of work on this node by state.
# TYPE receptor_units gauge
receptor_units{state="canceled"} 0
receptor_units{state="failed"} 0
receptor_units{state="pending"} 0
receptor_units{state="running"} 2
receptor_units{state="succeeded"} 0
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "receptor_link_up", "receptor_link_loss_ratio", "receptor_units"); err != nil {
		t.Error(err)
	}
}

// Neighbours choose their names: long ones are cut, and stay apart.
func TestLabelsAreBounded(t *testing.T) {
	long := strings.Repeat("é", 15_000)
	s := &inspectv1.Snapshot{Node: "foo"}
	for _, name := range []string{long + "1", long + "2", "bar"} {
		s.Links = append(s.Links, &inspectv1.Link{Backend: "tcp-listener:1", Neighbour: name, State: inspectv1.LinkState_LINK_STATE_ESTABLISHED})
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collect(s, nil))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if len(l.GetValue()) > cut.Max {
					t.Errorf("%s has a label of %d bytes", f.GetName(), len(l.GetValue()))
				}
				if f.GetName() == "receptor_link_up" && l.GetName() == "neighbour" {
					seen[l.GetValue()] = true
				}
			}
		}
	}
	if len(seen) != 3 || !seen["bar"] {
		t.Errorf("three neighbours are %d: %v", len(seen), seen)
	}
}

func nameOf(m metric) string {
	_, rest, _ := strings.Cut(m.desc.String(), `fqName: "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// A node that does not answer is an error of the scrape, not a node without links.
func TestMetricsOfASilentNode(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collect(nil, errors.New("no answer")))
	if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("gathered with %v", err)
	}
}

func TestNotReady(t *testing.T) {
	up := &inspectv1.Link{State: inspectv1.LinkState_LINK_STATE_ESTABLISHED}
	down := &inspectv1.Link{Backend: "tcp-peer:x", State: inspectv1.LinkState_LINK_STATE_DOWN, Failure: "refused"}
	stranger := &inspectv1.Link{Backend: "tcp-listener:y", State: inspectv1.LinkState_LINK_STATE_INTRODUCING}
	past := &inspectv1.Certificate{Config: "tls-server s", Expires: timestamppb.New(time.Unix(1, 0))}
	for _, c := range []struct {
		name string
		s    *inspectv1.Snapshot
		want []string
	}{
		{"alone", &inspectv1.Snapshot{}, nil},
		{"one of two links", &inspectv1.Snapshot{Links: []*inspectv1.Link{down, up}}, nil},
		{"no link", &inspectv1.Snapshot{Links: []*inspectv1.Link{down}}, []string{"no link is up: tcp-peer:x: refused"}},
		{"a stranger at the door", &inspectv1.Snapshot{Links: []*inspectv1.Link{stranger}}, nil},
		{"no link but a stranger", &inspectv1.Snapshot{Links: []*inspectv1.Link{stranger, down}}, []string{"no link is up: tcp-peer:x: refused"}},
		{"no door", &inspectv1.Snapshot{Actors: []*inspectv1.ActorTotals{{Kind: "listener", Running: 2, Restarting: 1}, {Kind: "link", Restarting: 3}}},
			[]string{"1 of the actors of kind listener can't listen: receptorctl tree tells why"}},
		{"drained", &inspectv1.Snapshot{Units: &inspectv1.Units{Drained: true}},
			[]string{"the node is drained: receptorctl work resume lets it take work again"}},
		{"expired", &inspectv1.Snapshot{Certificates: []*inspectv1.Certificate{past}}, []string{"the certificate of tls-server s has expired"}},
	} {
		if got := notReady(c.s, time.Unix(2, 0)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "127.0.0.1:9": true, "[::1]:9": true, "::1": true, "127.9.9.9": true,
		"": false, "example.org": false, "10.0.0.1:80": false, "localhost.example.org": false, "127.0.0.1.example.org": false,
	} {
		if got := loopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
