package command

import (
	"encoding/json"
	"time"

	routerv1 "receptor/proto/router/v1"
)

// Host is what a status says besides the router's part.
type Host struct {
	Version   string
	CPUs      int
	MemoryMiB uint64
	// Expiring are own certificates that expire soon, or have.
	Expiring []Certificate
	// Links and LinkTree are told to who asks for them by name.
	Links    []json.RawMessage
	LinkTree json.RawMessage
}

// Certificate is one that the node shows to others.
type Certificate struct {
	Config  string // tls-server NAME or tls-client NAME
	File    string
	Expires time.Time
}

type connection struct {
	NodeID string
	Cost   float64
}

type advertisement struct {
	NodeID       string
	Service      string
	Time         string
	ConnType     int32
	Tags         map[string]string
	WorkCommands []workCommand
}

type workCommand struct {
	WorkType string
	Secure   bool
}

// members are those of a status, each made only when it is asked for.
var members = map[string]func(s *routerv1.Status, h Host, now time.Time) any{
	"Advertisements": func(s *routerv1.Status, _ Host, now time.Time) any { return advertisements(s, now) },
	"Connections":    func(s *routerv1.Status, _ Host, _ time.Time) any { return connections(s) },
	"KnownConnectionCosts": func(s *routerv1.Status, _ Host, _ time.Time) any {
		return knownCosts(s)
	},
	"NodeID":          func(s *routerv1.Status, _ Host, _ time.Time) any { return s.GetNodeId() },
	"RoutingTable":    func(s *routerv1.Status, _ Host, _ time.Time) any { return notNull(s.GetRoutes()) },
	"SystemCPUCount":  func(_ *routerv1.Status, h Host, _ time.Time) any { return h.CPUs },
	"SystemMemoryMiB": func(_ *routerv1.Status, h Host, _ time.Time) any { return h.MemoryMiB },
	"Version":         func(_ *routerv1.Status, h Host, _ time.Time) any { return h.Version },
}

// memberExpiring is there only when it says something: existing clients print
// members that they do not know.
const memberExpiring = "ExpiringCertificates"

// StatusReply is the answer to Status. Fields that do not exist are left out.
func StatusReply(r Status, s *routerv1.Status, h Host, now time.Time) []byte {
	reply := make(map[string]any, len(members))
	if r.All {
		for name, member := range members {
			reply[name] = member(s, h, now)
		}
		if len(h.Expiring) > 0 {
			reply[memberExpiring] = h.Expiring
		}
		return encode(reply)
	}
	for _, name := range r.Fields {
		switch {
		case name == memberLinks && h.Links != nil:
			reply[name] = h.Links
		case name == memberLinkTree && h.LinkTree != nil:
			reply[name] = h.LinkTree
		}
		if member, ok := members[name]; ok {
			reply[name] = member(s, h, now)
		}
	}
	return encode(reply)
}

// NeedsRouter reports whether the router has to be asked for the answer.
func (r Status) NeedsRouter() bool {
	if r.All {
		return true
	}
	for _, name := range r.Fields {
		switch name {
		case "Advertisements", "Connections", "KnownConnectionCosts", "RoutingTable":
			return true
		}
	}
	return false
}

func advertisements(s *routerv1.Status, now time.Time) []advertisement {
	list := make([]advertisement, 0, len(s.GetAdvertisements()))
	for _, a := range s.GetAdvertisements() {
		record := advertisement{
			NodeID: a.GetNode(), Service: a.GetService(), Time: advertisedAt(s, a, now),
			ConnType: int32(a.GetConnType()),
		}
		if a.Tags != nil {
			record.Tags = notNull(a.GetTags().GetValues())
		}
		for _, c := range a.GetWorkCommands() {
			record.WorkCommands = append(record.WorkCommands, workCommand{c.GetWorkType(), c.GetSecure()})
		}
		list = append(list, record)
	}
	return list
}

// advertisedAt is the originator's own text; a node's own services are as fresh
// as the question.
func advertisedAt(s *routerv1.Status, a *routerv1.Advertisement, now time.Time) string {
	switch {
	case a.GetNode() == s.GetNodeId():
		return now.Format(time.RFC3339Nano)
	case a.GetTimeText() != "":
		return a.GetTimeText()
	default:
		return a.GetTime().AsTime().Format(time.RFC3339Nano)
	}
}

func connections(s *routerv1.Status) []connection {
	list := make([]connection, 0, len(s.GetConnections()))
	for _, c := range s.GetConnections() {
		list = append(list, connection{c.GetNode(), c.GetCost()})
	}
	return list
}

func knownCosts(s *routerv1.Status) map[string]map[string]float64 {
	known := make(map[string]map[string]float64, len(s.GetKnown()))
	for _, n := range s.GetKnown() {
		known[n.GetNode()] = notNull(n.GetConnections())
	}
	return known
}

// notNull keeps an empty map from becoming null.
func notNull[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
