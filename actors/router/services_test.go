package router

import (
	"reflect"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/wire"
)

func nextOf(t *testing.T, m *linksv1.SendFrame) wire.RoutingUpdate {
	t.Helper()
	u, err := wire.DecodeRoutingUpdate(m.GetFrame())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// advertisement of another node, after a time since some instant.
func advertisement(node, service string, after time.Duration) *routerv1.Advertisement {
	return &routerv1.Advertisement{
		Node: node, Service: service, Time: timestamppb.New(time.Unix(1_900_000_000, 0).Add(after)),
		Raw: []byte("raw of " + node + " " + service),
	}
}

func TestOwnServicesAreAdvertised(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		settle(s, b)
		s.Send(r, &routerv1.Advertise{Service: "control", ConnType: routerv1.ConnType_CONN_TYPE_STREAM,
			Tags: map[string]string{"type": "Control Service"}})
		s.Send(r, &routerv1.Advertise{Service: "plain"})
		control := nextAd(t, b)
		want := []wire.WorkCommand{{WorkType: "echo"}, {WorkType: "signed", Secure: true}}
		if control.NodeID != "a" || control.Service != "control" || control.ConnType != 1 || control.Cancel ||
			control.Tags["type"] != "Control Service" || !reflect.DeepEqual(control.WorkCommands, want) || !control.Time.Equal(time.Now()) {
			t.Errorf("control: %+v", control)
		}
		b.ExpectNothing(t)
		pass(s, advertiseGap)
		if plain := nextAd(t, b); plain.Service != "plain" || plain.ConnType != 0 || plain.Tags != nil || plain.WorkCommands != nil {
			t.Errorf("plain: %+v", plain)
		}
		b.ExpectNothing(t)

		b.Drain()
		time.Sleep(roundPeriod)
		again := map[string]time.Time{}
		for range 2 {
			m := probe.Await(t, b, func(m *linksv1.SendFrame) bool { return m.GetFrame()[0] == wire.TypeServiceAd })
			ad, err := wire.DecodeAdvertisement(m.GetFrame())
			if err != nil {
				t.Fatal(err)
			}
			again[ad.Service] = ad.Time
		}
		if !again["control"].After(control.Time) || again["plain"].IsZero() {
			t.Errorf("the round: %v", again)
		}
	})
}

// An advertisement that is not later than the one before is no news to anybody, so
// each is, also when two go out at once.
func TestWorkThatChangesIsAdvertisedAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		s.Send(r, &routerv1.Advertise{Service: "control", Tags: map[string]string{"type": "Control Service"}})
		settle(s, b)
		at := time.Now()
		for i, name := range []string{"cat", "tac", "nl"} {
			s.Send(r, &routerv1.SetWorkCommands{Commands: []*routerv1.WorkCommand{{WorkType: name}}})
			ad := nextAd(t, b)
			if len(ad.WorkCommands) != 1 || ad.WorkCommands[0].WorkType != name {
				t.Errorf("advertised is %+v", ad.WorkCommands)
			}
			if i > 0 && !ad.Time.After(at) {
				t.Errorf("advertised at %v, before at %v", ad.Time, at)
			}
			at = ad.Time
		}
	})
}

func TestNewNodesAreToldOfServicesSoon(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		s.Send(r, &routerv1.Advertise{Service: "control"})
		b := connect(t, s, r, "b")
		pass(s, introduceDelay)
		b.Drain()
		s.Send(r, received("b", "b", 1, "a", "x"))
		pass(s, introduceDelay/2)
		b.Drain()
		s.Send(r, received("b", "x", 1, "b")) // too late for this introduction, there is another
		begin := time.Now()
		for range 2 {
			m := probe.Await(t, b, func(m *linksv1.SendFrame) bool { return m.GetFrame()[0] == wire.TypeServiceAd })
			if ad, err := wire.DecodeAdvertisement(m.GetFrame()); err != nil || ad.Service != "control" {
				t.Errorf("%+v, %v", ad, err)
			}
		}
		if took := time.Since(begin); took != introduceDelay/2+introduceDelay {
			t.Errorf("the second introduction came after %v", took)
		}
	})
}

func TestAdvertisementsArePassedOnUnchanged(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b, c := connect(t, s, r, "b"), connect(t, s, r, "c")
		settle(s, b, c)
		ad := advertisement("x", "svc", 0)
		s.Send(r, &routerv1.AdvertisementReceived{From: "b", Advertisement: ad})
		if m := probe.ExpectType[*linksv1.SendFrame](t, c); string(m.GetFrame()) != "raw of x svc" {
			t.Errorf("passed on %q", m.GetFrame())
		}
		s.Send(r, &routerv1.AdvertisementReceived{From: "c", Advertisement: ad})
		s.Send(r, &routerv1.AdvertisementReceived{From: "c", Advertisement: advertisement("a", "mine", 0)})
		b.ExpectNothing(t)
		c.ExpectNothing(t)
	})
}

func TestStatus(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		far := advertisement("x", "svc", 0)
		s.Send(r, received("b", "b", 1, "a", "x"))
		s.Send(r, received("b", "x", 1, "b"))
		s.Send(r, received("b", "lost", 1, "b"))
		s.Send(r, &routerv1.AdvertisementReceived{From: "b", Advertisement: far})
		s.Send(r, &routerv1.Advertise{Service: "mine", Tags: map[string]string{"k": "v"}})
		settle(s, b)
		want := &routerv1.Status{
			NodeId: "a", Connections: []*routerv1.Connection{{Node: "b", Cost: 1}},
			Known: []*routerv1.KnownNode{
				{Node: "a", Connections: map[string]float64{"b": 1}},
				{Node: "b", Connections: map[string]float64{"a": 1, "x": 1}},
				{Node: "lost"},
				{Node: "x", Connections: map[string]float64{"b": 1}},
			},
			Routes: map[string]string{"b": "b", "x": "b"}, Costs: map[string]float64{"b": 1, "x": 2},
			Advertisements: []*routerv1.Advertisement{
				{Node: "a", Service: "mine", Time: timestamppb.Now(), Tags: &routerv1.Tags{Values: map[string]string{"k": "v"}}},
				far,
			},
		}
		if got := s.Ask(t, r, &routerv1.GetStatus{}); !proto.Equal(got, want) {
			t.Errorf("status\n got %v\nwant %v", got, want)
		}
	})
}

func TestWithdrawalIsSentOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		s.Send(r, &routerv1.Advertise{Service: "svc", ConnType: routerv1.ConnType_CONN_TYPE_STREAM})
		settle(s, b)
		s.Send(r, &routerv1.Withdraw{Service: "svc"})
		if ad := nextAd(t, b); !ad.Cancel || ad.Service != "svc" || ad.ConnType != 1 || ad.Tags != nil {
			t.Errorf("withdrawal %+v", ad)
		}
		s.Send(r, &routerv1.Withdraw{Service: "svc"})
		b.ExpectNothing(t)
		if st := s.Ask(t, r, &routerv1.GetStatus{}).(*routerv1.Status); len(st.GetAdvertisements()) != 0 {
			t.Errorf("left %v", st.GetAdvertisements())
		}
	})
}

// ring is a router in a triangle with two nodes that are also linked to a third.
func ring(t *testing.T, s *probe.Stage, capability ...string) (*actor.PID, *probe.Probe) {
	t.Helper()
	r, _ := startRouter(s, "a")
	b, c := connect(t, s, r, "b", capability...), connect(t, s, r, "c")
	s.Send(r, received("b", "b", 1, "a", "c", "d"))
	s.Send(r, received("c", "c", 1, "a", "b", "d"))
	s.Send(r, received("c", "d", 1, "b", "c"))
	s.Send(r, &routerv1.Advertise{Service: "svc"})
	settle(s, b, c)
	return r, c
}

func TestNoWithdrawalIntoARingThatRemembersNone(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, c := ring(t, s)
		s.Send(r, &routerv1.Withdraw{Service: "svc"})
		c.ExpectNothing(t)
	})
}

func TestWithdrawalIntoARingThatRemembers(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, c := ring(t, s, tombstones) // b stops what goes round
		s.Send(r, &routerv1.Withdraw{Service: "svc"})
		if ad := nextAd(t, c); !ad.Cancel {
			t.Errorf("got %+v", ad)
		}
	})
}
