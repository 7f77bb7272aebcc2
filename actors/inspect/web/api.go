package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"receptor/actors/inspect"
	inspectv1 "receptor/proto/inspect/v1"
	workv1 "receptor/proto/work/v1"
)

// unitsAtOnce is how many units one answer has at most.
const unitsAtOnce = 1000

func (h *handler) snapshot(ctx context.Context, _ *http.Request) (any, error) {
	return h.src.Inspector.Snapshot(ctx)
}

// tree takes ?path= for the topmost actor and ?detail=1 for what actors say of
// themselves.
func (h *handler) tree(ctx context.Context, r *http.Request) (any, error) {
	detail, err := flag(r, "detail")
	if err != nil {
		return nil, err
	}
	return h.src.Inspector.Tree(ctx, inspect.TreeOptions{Path: r.FormValue("path"), Detail: detail})
}

func (h *handler) links(ctx context.Context, _ *http.Request) (any, error) {
	links, err := h.src.Inspector.Links(ctx)
	if err != nil {
		return nil, err
	}
	return &inspectv1.Snapshot{Node: h.src.Inspector.NodeID(), Links: links}, nil
}

// Mesh is the mesh as this node knows it: a graph, and its own way to each node.
type Mesh struct {
	Node  string     `json:"node"`
	Nodes []MeshNode `json:"nodes"`
}

// MeshNode is one node of the graph.
type MeshNode struct {
	Name string `json:"name"`
	// Neighbours by name, with the cost of the link.
	Links map[string]float64 `json:"links,omitempty"`
	// NextHop on the way there, and what the whole way costs; none without a route.
	NextHop  string   `json:"next_hop,omitempty"`
	Cost     *float64 `json:"cost,omitempty"`
	Services []string `json:"services,omitempty"`
	Work     []string `json:"work,omitempty"`
}

func (h *handler) mesh(_ context.Context, _ *http.Request) (any, error) {
	s, err := h.src.Router()
	if err != nil {
		return nil, err
	}
	nodes := map[string]*MeshNode{}
	get := func(name string) *MeshNode {
		if nodes[name] == nil {
			nodes[name] = &MeshNode{Name: name}
		}
		return nodes[name]
	}
	get(s.GetNodeId())
	for _, k := range s.GetKnown() {
		get(k.GetNode()).Links = k.GetConnections()
	}
	for name, hop := range s.GetRoutes() {
		n, cost := get(name), s.GetCosts()[name]
		n.NextHop, n.Cost = hop, &cost
	}
	for _, a := range s.GetAdvertisements() {
		n := get(a.GetNode())
		n.Services = append(n.Services, a.GetService())
		for _, w := range a.GetWorkCommands() {
			if !slices.Contains(n.Work, w.GetWorkType()) {
				n.Work = append(n.Work, w.GetWorkType())
			}
		}
	}
	m := Mesh{Node: s.GetNodeId()}
	for _, n := range nodes {
		m.Nodes = append(m.Nodes, *n)
	}
	slices.SortFunc(m.Nodes, func(a, b MeshNode) int { return strings.Compare(a.Name, b.Name) })
	return m, nil
}

// Units is a page of units in the order of their IDs.
type Units struct {
	Units []Unit `json:"units"`
	// Next is the value of ?after= for the next page; empty at the end.
	Next string `json:"next,omitempty"`
}

// Unit is what is shown of a unit: neither its parameters nor its payload, nor its
// detail, which quotes what a program wrote. The control service has that.
type Unit struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	WorkType string `json:"work_type"`
	Output   int64  `json:"output"` // bytes
	// Node where the work is done, and its type there; empty for local work.
	Node       string `json:"node,omitempty"`
	RemoteType string `json:"remote_type,omitempty"`
}

// units takes ?limit=, ?after=, ?type= and ?node=.
func (h *handler) units(_ context.Context, r *http.Request) (any, error) {
	limit, err := number(r, "limit", unitsAtOnce)
	if err != nil {
		return nil, err
	}
	list, err := h.src.Units(&workv1.ListUnits{
		Limit: int32(limit), After: r.FormValue("after"), WorkType: r.FormValue("type"), Node: r.FormValue("node"),
	})
	if err != nil {
		return nil, err
	}
	reply := Units{Units: make([]Unit, 0, len(list))}
	for _, u := range list {
		reply.Units = append(reply.Units, Unit{
			ID: u.GetUnitId(), State: stateText(u.GetState()), WorkType: u.GetWorkType(),
			Output: u.GetStdoutSize(), Node: u.GetRemoteNode(), RemoteType: u.GetRemoteWorkType(),
		})
	}
	if len(list) == limit {
		reply.Next = list[limit-1].GetUnitId()
	}
	return reply, nil
}

func stateText(s workv1.State) string {
	name := strings.TrimSuffix(strings.TrimPrefix(s.String(), "STATE_"), "_UNSPECIFIED")
	return strings.ToLower(name)
}

func number(r *http.Request, name string, most int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &errBadQuery{name + " is to be a number from 1 to " + strconv.Itoa(most) + ", not " + strconv.Quote(text)}
	}
	return n, nil
}

func flag(r *http.Request, name string) (bool, error) {
	text := r.FormValue(name)
	if text == "" {
		return false, nil
	}
	set, err := strconv.ParseBool(text)
	if err != nil {
		return false, &errBadQuery{name + " is to be 0 or 1, not " + strconv.Quote(text)}
	}
	return set, nil
}

// healthz asks the root: it answers while the node can do anything at all.
func (h *handler) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	if _, err := h.src.Inspector.Tree(ctx, inspect.TreeOptions{}); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n")) //nolint:errcheck // the client is gone
}

func (h *handler) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	s, err := h.src.Inspector.Snapshot(ctx)
	reasons := []string{}
	if err != nil {
		reasons = append(reasons, err.Error())
	} else {
		reasons = notReady(s, time.Now())
	}
	if len(reasons) > 0 {
		http.Error(w, strings.Join(reasons, "\n"), http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n")) //nolint:errcheck // the client is gone
}

// doors are the kinds of actors that listen for others.
var doors = []string{"listener", "proxy", "ip-router"}

// notReady says why the node should get no work now; nothing when it should.
func notReady(s *inspectv1.Snapshot, now time.Time) []string {
	var reasons []string
	if s.GetUnits().GetDrained() {
		reasons = append(reasons, "the node is drained: receptorctl work resume lets it take work again")
	}
	var away []*inspectv1.Link // strangers at a listener are nobody's loss
	up := 0
	for _, l := range s.GetLinks() {
		switch {
		case l.GetState() == inspectv1.LinkState_LINK_STATE_ESTABLISHED:
			up++
		case !accepted(l):
			away = append(away, l)
		}
	}
	if len(away) > 0 && up == 0 {
		reasons = append(reasons, "no link is up: "+firstFailure(away))
	}
	for _, a := range s.GetActors() {
		if slices.Contains(doors, a.GetKind()) && a.GetRestarting() > 0 {
			reasons = append(reasons, fmt.Sprintf("%d of the actors of kind %s can't listen: receptorctl tree tells why", a.GetRestarting(), a.GetKind()))
		}
	}
	for _, c := range s.GetCertificates() {
		if c.GetExpires().AsTime().Before(now) {
			reasons = append(reasons, "the certificate of "+c.GetConfig()+" has expired")
		}
	}
	return reasons
}

func firstFailure(links []*inspectv1.Link) string {
	for _, l := range links {
		if l.GetFailure() != "" {
			return l.GetBackend() + ": " + l.GetFailure()
		}
	}
	return links[0].GetBackend() + " is being connected"
}
