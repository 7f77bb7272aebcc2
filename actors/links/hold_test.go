package links

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/mem"
	"receptor/transport/wire"
)

// bothOurs are two nodes of our make, of which a dials b.
func bothOurs(s *probe.Stage) (net *mem.Network, a, b *side) {
	net, knows := mem.NewNetwork(), wire.Capabilities{wire.Probes}
	b = newSideThat(s, knows, "b", listenAt(net, "b"))
	s.Settle()
	return net, newSideThat(s, knows, "a", dialTo(net, "a", "b")), b
}

// Whoever takes a link down, the side that dials comes again when the time is over:
// not before the neighbour would have it, and no backoff later.
func TestLinkThatIsHeldDownIsBackWhenTheTimeIsOver(t *testing.T) {
	const span = 3 * time.Minute
	for _, holder := range []string{"the side that dials", "the side that listens"} {
		t.Run(holder, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				net, a, b := bothOurs(s)
				holds, link, other := a, a.up(t, "b", 1), b
				if held := b.up(t, "a", 1); holder == "the side that listens" {
					holds, link, other = b, held, a
				}
				s.Settle()
				over := time.Now().Add(span)
				back := make(chan time.Time, 1)
				other.acceptAll()
				holds.router.Ignore(&routerv1.LinkDown{})
				holds.router.Answer(&routerv1.LinkUp{}, func(m proto.Message) proto.Message {
					up := m.(*routerv1.LinkUp)
					if left := time.Until(over); left > 0 {
						no := refusedReply(up, "held")
						no.GetRefused().ForMs = left.Milliseconds()
						return no
					}
					back <- time.Now()
					return acceptedReply(up)
				})
				dialled := net.Dialled()
				holds.router.Send(link, &linksv1.TakeDown{Text: "held", ForMs: span.Milliseconds()})
				if late := (<-back).Sub(over); late > time.Second/10 {
					t.Errorf("back %v after its time", late)
				}
				if n := net.Dialled() - dialled; n > 15 {
					t.Errorf("dialled %d times", n)
				}
			})
		})
	}
}

// The neighbour that waits to dial need not wait either: the end of its connection
// tells it.
func TestNeighbourThatIsHeldOffIsBackWhenThatIsEndedEarly(t *testing.T) {
	for name, wait := range map[string]time.Duration{"later": 10 * time.Minute, "soon": time.Second} {
		t.Run(name, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				net, a, b := bothOurs(s)
				a.up(t, "b", 1)
				link := b.up(t, "a", 1)
				s.Settle()
				a.acceptAll()
				a.router.Ignore(&routerv1.LinkDown{})
				b.router.Ignore(&routerv1.LinkDown{})
				over := make(chan struct{})
				back := make(chan time.Time, 1)
				b.router.Answer(&routerv1.LinkUp{}, func(m proto.Message) proto.Message {
					select {
					case <-over:
						back <- time.Now()
						return acceptedReply(m.(*routerv1.LinkUp))
					default:
						no := refusedReply(m.(*routerv1.LinkUp), "held")
						no.GetRefused().ForMs = 5000
						return no
					}
				})
				b.router.Send(link, &linksv1.TakeDown{Text: "held", ForMs: 5000})
				time.Sleep(wait)
				s.Settle()
				if n := net.Dialled(); time.Duration(n) > 1+wait/(5*time.Second) {
					t.Errorf("dialled %d times in %v", n, wait)
				}
				close(over)
				end := time.Now()
				b.router.Send(b.links, &linksv1.DialNow{Node: "other"})
				b.router.Send(b.links, &linksv1.DialNow{Node: "a"})
				if late := (<-back).Sub(end); late > time.Second/10 {
					t.Errorf("back %v after its time", late)
				}
			})
		})
	}
}

// Whoever waits to dial need not wait when the time is ended early: not the rest of
// its time, nor that of a reject that is still on its way.
func TestLinkThatIsHeldDownIsBackWhenThatIsEndedEarly(t *testing.T) {
	for name, wait := range map[string]time.Duration{"later": 10 * time.Second, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				_, a, b := bothOurs(s)
				link := a.up(t, "b", 1)
				b.up(t, "a", 1)
				s.Settle()
				b.acceptAll()
				a.router.Ignore(&routerv1.LinkDown{})
				back := make(chan time.Time, 1)
				a.router.Answer(&routerv1.LinkUp{}, func(m proto.Message) proto.Message {
					back <- time.Now()
					return acceptedReply(m.(*routerv1.LinkUp))
				})
				a.router.Send(link, &linksv1.TakeDown{Text: "held", ForMs: time.Hour.Milliseconds()})
				time.Sleep(wait)
				s.Settle()
				over := time.Now()
				a.router.Send(a.links, &linksv1.DialNow{Node: "other"})
				a.router.Send(a.links, &linksv1.DialNow{Node: "b"})
				if late := (<-back).Sub(over); late > 2*time.Second {
					t.Errorf("back %v after its time", late)
				}
			})
		})
	}
}

// Neighbours of other makes are told what they know.
func TestOthersGetAnOrdinaryReject(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, link, conn := besideRaw(t, s, update("b", nil))
		s.Settle()
		a.router.Ignore(&routerv1.LinkDown{})
		a.router.Send(link, &linksv1.TakeDown{Text: "held", ForMs: 5000})
		s.Settle()
		for {
			got := conn.readNow()
			if len(got) > 0 && got[0] != wire.TypeReject {
				continue
			}
			if string(got) != string(wire.Reject) {
				t.Errorf("%q", got)
			}
			break
		}
	})
}
