package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"receptor/cli/receptorctl/client"
)

const control = "control"

// reachable looks at a node, and at its control service.
func (d *doctor) reachable(node string) {
	node = d.mesh.named(node)
	if d.wayTo(node) {
		d.controlOf(node, d.tlsName)
	}
}

// wayTo tells whether messages get to a node and back.
func (d *doctor) wayTo(node string) bool {
	if node == d.mesh.self {
		d.ok("route", "%s is the node that was asked", node)
		return true
	}
	if known := d.mesh.nodes(); !slices.Contains(known, node) {
		d.failure("known", "nothing is known of a node "+node,
			didYouMean(node, known)+"Is it running, and linked to one of these: "+someOf(known)+"?")
		d.reportLinks("")
		return false
	}
	way := d.mesh.way(node)
	if len(way) == 0 {
		d.noRoute(node)
		return false
	}
	d.ok("route", "%s", wayText(way))
	for _, h := range way {
		d.link(h)
	}
	if d.ping(node) {
		return true
	}
	d.reportLinks(way[0].To)
	d.traceTo(node)
	return false
}

func (d *doctor) link(h hop) {
	cost := h.Cost.String()
	switch {
	case strings.HasPrefix(h.Link, linkOneWay):
		d.oneWay(h)
	case h.Link == linkUnknown:
		d.warning("link", fmt.Sprintf("%s - %s: neither end tells of it", h.From, h.To), "What is known of the mesh is changing. Try again in a minute.")
	default:
		d.ok("link", "%s - %s is %s, cost %s", h.From, h.To, h.Link, cost)
	}
}

// noRoute says what is known of a node which nothing leads to.
func (d *doctor) noRoute(node string) {
	var listing []string
	for other, links := range d.mesh.costs {
		if _, ok := links[node]; ok {
			listing = append(listing, other)
		}
	}
	slices.Sort(listing)
	text := "there is no route to " + node + ": no node tells of a link to it any more"
	if len(listing) > 0 {
		text = fmt.Sprintf("there is no route to %s: %s has or had a link to it, but is cut off itself, or %s does not confirm it",
			node, strings.Join(listing, ", "), node)
	}
	d.failure("route", text, "Is "+node+" running? Look at its links: receptorctl doctor, entered there.")
	d.reportLinks("")
}

// reportLinks tells of own links that do not work; about says which neighbour is of
// interest, if one is.
func (d *doctor) reportLinks(about string) {
	if d.links == nil {
		if d.err == nil && d.ctx.Err() == nil {
			d.warning("links", "why links fail is not known here", "A node tells it at its own Unix socket, elsewhere only with --debug remote=true; older versions and other makes never do. See the log of "+d.mesh.self+".")
		}
		return
	}
	for _, l := range d.links {
		if !l.works || about != "" && strings.Contains(l.name, about) {
			l.report(d)
		}
	}
}

func (d *doctor) traceTo(node string) {
	where, why, err := d.traceEnd(d.ctx, node)
	switch {
	case err != nil:
		d.failure("traceroute", explain(err).text, "")
	case why == "":
		d.ok("traceroute", "the way to %s is open now", node)
	default:
		d.failure("traceroute", fmt.Sprintf("the way to %s ends at %s: %s", node, where, why), "Look at node "+where+" and its links.")
	}
}

// controlOf looks at the control service of a node, through which it is given work.
func (d *doctor) controlOf(node, tlsName string) {
	ad := d.advertised(node, control)
	if ad == nil {
		d.warning("service", node+" does not tell of a control service", "It can't be given work: is there a control-service in its configuration?")
		return
	}
	if ad.ConnType == secureStream && tlsName == "" && node != d.mesh.self {
		d.warning("service", "the control service of "+node+" wants TLS", "Name a tls-client of our node with --tls-client to try it.")
		return
	}
	err := d.tryStream(node, control, tlsName, func(s *client.Session) {
		if err := s.Handshake(); err != nil {
			d.failure("service", "the control service of "+node+" does not answer: "+explain(err).text, "Look at its log.")
			return
		}
		d.ok("service", "the control service of %s answers", node)
		reply, err := s.Command(askVersion)
		if err != nil {
			d.warning("version", node+" does not tell its version: "+remoteText(err), "")
			return
		}
		if v, err := nodeVersion(reply); err == nil && node != d.mesh.self {
			d.version(node, v, d.st.Version, d.mesh.self)
		}
	})
	if err != nil {
		d.failure("service", "the control service of "+node+" can't be connected to: "+remoteText(err), streamAdvice(remoteText(err)))
	}
}

const secureStream = 2

func (d *doctor) advertised(node, service string) *advertisement {
	for i, ad := range d.st.Advertisements {
		if ad.NodeID == node && ad.Service == service {
			return &d.st.Advertisements[i]
		}
	}
	return nil
}

func (d *doctor) service(node, service string) {
	node = d.mesh.named(node)
	if !d.wayTo(node) {
		return
	}
	ad := d.advertised(node, service)
	if ad == nil {
		var names []string
		for _, other := range d.st.Advertisements {
			if other.NodeID == node {
				names = append(names, other.Service)
			}
		}
		d.warning("advertised", fmt.Sprintf("%s does not tell of a service %s", node, service),
			didYouMean(service, names)+"It tells of: "+someOf(names)+". Not all services are told of.")
	} else {
		d.ok("advertised", "%s on %s is a %s, told of at %s", service, node, strings.ToLower(connTypes[ad.ConnType]), lastSeen(ad.Time))
		if ad.ConnType == 0 {
			d.ok("service", "datagrams have no connection that could be tried")
			return
		}
	}
	ctx, stop := context.WithTimeout(d.ctx, streamPatience)
	defer stop()
	here := *d
	here.ctx = ctx
	err := here.tryStream(node, service, d.tlsName, func(*client.Session) {
		d.ok("service", "%s on %s takes connections", service, node)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("timeout")
	}
	if err != nil {
		d.failure("service", fmt.Sprintf("%s on %s can't be connected to: %s", service, node, remoteText(err)), streamAdvice(remoteText(err)))
	}
}

// streamPatience is longer than a node itself waits for a handshake.
const streamPatience = 30 * time.Second

// someOf are the first of many names.
func someOf(names []string) string {
	const enough = 8
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > enough:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:enough], ", "), len(names)-enough)
	}
	return strings.Join(names, ", ")
}

// unit looks at a unit of work.
func (d *doctor) unit(id string) {
	reply, err := d.ask(d.ctx, "work", "status", id)
	if err != nil {
		d.failure("unit", remoteText(err), didYouMean(id, d.unitIDs())+"See receptorctl work list. Units are known to the node that they were submitted to.")
		return
	}
	u, err := readUnit(reply)
	if err != nil {
		d.failure("unit", err.Error(), "")
		return
	}
	d.state(id, u)
	var far remoteUnit
	if json.Unmarshal(u.ExtraData, &far) == nil && far.RemoteNode != "" {
		d.farUnit(id, u, far)
	}
}

func (d *doctor) unitIDs() []string {
	reply, err := d.ask(d.ctx, "work", "list")
	if err != nil {
		return nil
	}
	ids, err := unitIDs(reply)
	if err != nil {
		return nil
	}
	return ids
}
