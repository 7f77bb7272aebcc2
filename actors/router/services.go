package router

import (
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/timestamppb"

	routerv1 "receptor/proto/router/v1"
	"receptor/transport/wire"
)

// typeControl is the tag "type" of services that take work.
const typeControl = "Control Service"

// service is advertised by this node.
type service struct {
	offer *routerv1.Advertise
	frame []byte // as last sent; nil until then
}

// adKey is the key of an advertisement in a link's queue: a newer one replaces it.
func adKey(node, service string) string { return "a:" + node + "\x00" + service }

func (r *router) advertise(ctx actor.Context, m *routerv1.Advertise) {
	r.services[m.GetService()] = &service{offer: m}
	r.offers.request(ctx)
}

// offerNew advertises the services that are new.
func (r *router) offerNew(ctx actor.Context) {
	for name, s := range r.services {
		if s.frame == nil {
			r.offer(ctx, name, s)
		}
	}
}

// offerAll advertises all services anew; who does not hear of them for long
// forgets them.
func (r *router) offerAll(ctx actor.Context) {
	for name, s := range r.services {
		r.offer(ctx, name, s)
	}
}

func (r *router) offer(ctx actor.Context, name string, s *service) {
	ad := wire.Advertisement{
		NodeID: r.cfg.NodeID, Service: name, Time: r.stamp(),
		ConnType: int(s.offer.GetConnType()), Tags: s.offer.GetTags(),
	}
	for _, c := range r.workCommands(s) {
		ad.WorkCommands = append(ad.WorkCommands, wire.WorkCommand{WorkType: c.GetWorkType(), Secure: c.GetSecure()})
	}
	s.frame = r.encodeAd(ad)
	r.flood(ctx, adKey(r.cfg.NodeID, name), s.frame, "")
}

// workCommands are what a service takes as work.
func (r *router) workCommands(s *service) []*routerv1.WorkCommand {
	if s.offer.GetTags()["type"] != typeControl {
		return nil
	}
	return r.cfg.WorkCommands
}

// stamp is the present time, but later than that of any own advertisement before:
// an advertisement that is not later is no news.
func (r *router) stamp() time.Time {
	now := time.Now()
	if !now.After(r.stamped) {
		now = r.stamped.Add(1)
	}
	r.stamped = now
	return now
}

// withdraw stops advertising. It says so only where that is safe: in a ring of
// existing nodes a withdrawal goes round for ever. There, others find out when no
// advertisement comes any more.
func (r *router) withdraw(ctx actor.Context, m *routerv1.Withdraw) {
	name := m.GetService()
	s, ok := r.services[name]
	delete(r.services, name)
	if !ok || s.frame == nil {
		return
	}
	if r.db.Cyclic(r.remembersWithdrawals) {
		r.cfg.Log.Debug().Str("service", name).Msg("no withdrawal is sent, it could go round for ever")
		return
	}
	r.flood(ctx, adKey(r.cfg.NodeID, name), r.encodeAd(wire.Advertisement{
		NodeID: r.cfg.NodeID, Service: name, Time: r.stamp(), ConnType: int(s.offer.GetConnType()), Cancel: true,
	}), "")
}

// remembersWithdrawals is known of this node and some neighbours only.
func (r *router) remembersWithdrawals(node string) bool {
	n, ok := r.neighbours[node]
	return node == r.cfg.NodeID || ok && n.tombstones
}

func (r *router) encodeAd(ad wire.Advertisement) []byte {
	msg, err := ad.Encode()
	if err != nil {
		r.cfg.Log.Error().Str("service", ad.Service).Err(err).Msg("advertisement can't be sent")
	}
	return msg
}

func (r *router) advertisementReceived(ctx actor.Context, m *routerv1.AdvertisementReceived) {
	defer handled(ctx)
	if _, ok := r.neighbours[m.GetFrom()]; !ok {
		return // the link ended meanwhile
	}
	ad := m.GetAdvertisement()
	if r.ads.Receive(ad, time.Now()) {
		r.flood(ctx, adKey(ad.GetNode(), ad.GetService()), ad.GetRaw(), m.GetFrom())
	}
}

// ownAds are the services of this node as advertisements of this moment.
func (r *router) ownAds() []*routerv1.Advertisement {
	var list []*routerv1.Advertisement
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		s := r.services[name]
		ad := &routerv1.Advertisement{
			Node: r.cfg.NodeID, Service: name, Time: timestamppb.Now(), ConnType: s.offer.GetConnType(),
			WorkCommands: r.workCommands(s),
		}
		if s.offer.Tags != nil {
			ad.Tags = &routerv1.Tags{Values: s.offer.GetTags()}
		}
		list = append(list, ad)
	}
	return list
}
