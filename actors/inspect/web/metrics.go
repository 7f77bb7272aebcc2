package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/protobuf/types/known/durationpb"

	"receptor/actors/supervise/cut"
	inspectv1 "receptor/proto/inspect/v1"
)

// maxScrapes bounds how many ask for metrics at a time.
const maxScrapes = 4

// metrics are a registry of their own: what libraries register by themselves stays
// out.
func (h *handler) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{h.src.Inspector.Snapshot})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// collector turns one snapshot into metrics. Labels name what is configured (links,
// certificates), neighbours, and kinds of actors: nothing grows with units, streams
// or clients.
type collector struct {
	snapshot func(context.Context) (*inspectv1.Snapshot, error)
}

// Describe says nothing: the metrics of a node depend on what it has.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	s, err := c.snapshot(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(nodeInfo.desc, err)
		return
	}
	collectNode(s, out)
	for _, l := range byNeighbour(s.GetLinks()) {
		collectLink(l, out)
	}
	collectFigures(s, out)
	for _, a := range s.GetActors() {
		collectActors(a, out)
	}
}

// metric is one name, and how its values are made.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

var all []metric // for the test of their names

func gauge(name, help string, labels ...string) metric {
	return define(name, help, prometheus.GaugeValue, labels)
}

func counter(name, help string, labels ...string) metric {
	return define(name+"_total", help, prometheus.CounterValue, labels)
}

func define(name, help string, kind prometheus.ValueType, labels []string) metric {
	m := metric{prometheus.NewDesc("receptor_"+name, help, labels, nil), kind}
	all = append(all, m)
	return m
}

func (m metric) send(out chan<- prometheus.Metric, value float64, labels ...string) {
	bounded := make([]string, len(labels))
	for i, l := range labels {
		bounded[i] = cut.Word(l) // neighbours choose their names
	}
	out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, bounded...)
}

// seconds sends a duration that was measured.
func (m metric) seconds(out chan<- prometheus.Metric, d *durationpb.Duration, labels ...string) {
	if d != nil {
		m.send(out, d.AsDuration().Seconds(), labels...)
	}
}

var (
	nodeInfo    = gauge("node_info", "This node; always 1.", "node", "version")
	startTime   = gauge("start_time_seconds", "When the node started, in seconds since 1970.")
	certificate = gauge("certificate_expiry_timestamp_seconds", "When a certificate of the node expires, in seconds since 1970.", "config")
	deadLetters = counter("dead_letters", "Messages to actors that were gone.")
	eventsSeen  = counter("events", "Events in the journal; debug mode only.")
)

func collectNode(s *inspectv1.Snapshot, out chan<- prometheus.Metric) {
	nodeInfo.send(out, 1, s.GetNode(), s.GetVersion())
	startTime.send(out, float64(s.GetStarted().AsTime().UnixMilli())/1000)
	for _, c := range s.GetCertificates() {
		certificate.send(out, float64(c.GetExpires().GetSeconds()), c.GetConfig())
	}
	deadLetters.send(out, float64(s.GetDeadLetters()))
	eventsSeen.send(out, float64(s.GetEvents()))
}

var (
	linkUp       = gauge("link_up", "1 while the link to a neighbour is established.", "backend", "neighbour")
	linkCost     = gauge("link_cost", "Cost of the link.", "backend", "neighbour")
	linkRTT      = gauge("link_rtt_seconds", "Smoothed round-trip time of the link.", "backend", "neighbour")
	linkJitter   = gauge("link_jitter_seconds", "Mean deviation of the round-trip time.", "backend", "neighbour")
	linkLoss     = gauge("link_loss_ratio", "Share of the latest probes (on TCP: segments) that were lost.", "backend", "neighbour")
	linkReceived = counter("link_received_bytes", "Bytes received on the connection.", "backend", "neighbour")
	linkSent     = counter("link_sent_bytes", "Bytes sent on the connection.", "backend", "neighbour")
	framesIn     = counter("link_received_frames", "Messages of the mesh received on the connection.", "backend", "neighbour")
	framesOut    = counter("link_sent_frames", "Messages of the mesh sent on the connection.", "backend", "neighbour")
	queueBytes   = gauge("link_queue_bytes", "Bytes that wait to be written.", "backend", "neighbour")
	queueDelay   = gauge("link_queue_delay_seconds", "Smoothed time that a message waits to be written.", "backend", "neighbour")
	queueDrops   = counter("link_dropped_frames", "Messages dropped because the queue was full.", "backend", "neighbour")
	linkRestarts = counter("link_restarts", "Restarts of the link's actor: how often it was dialled again.", "backend", "neighbour")
)

func collectLink(l *inspectv1.Link, out chan<- prometheus.Metric) {
	names := []string{l.GetBackend(), l.GetNeighbour()}
	up := 0.0
	if l.GetState() == inspectv1.LinkState_LINK_STATE_ESTABLISHED {
		up = 1
	}
	linkUp.send(out, up, names...)
	linkRestarts.send(out, float64(l.GetRestarts()), names...)
	if up == 0 {
		return // there is no connection to tell of
	}
	linkCost.send(out, l.GetCost(), names...)
	q, t, w := l.GetQuality(), l.GetTraffic(), l.GetQueue()
	linkRTT.seconds(out, q.GetRtt(), names...)
	linkJitter.seconds(out, q.GetJitter(), names...)
	if q != nil && q.Loss != nil {
		linkLoss.send(out, q.GetLoss(), names...)
	}
	linkReceived.send(out, float64(t.GetBytesIn()), names...)
	linkSent.send(out, float64(t.GetBytesOut()), names...)
	framesIn.send(out, float64(t.GetFramesIn()), names...)
	framesOut.send(out, float64(t.GetFramesOut()), names...)
	queueBytes.send(out, float64(w.GetBytes()), names...)
	queueDelay.seconds(out, w.GetDelay(), names...)
	queueDrops.send(out, float64(w.GetDropped()), names...)
}

// byNeighbour leaves one link for each pair of backend and neighbour, the best one:
// strangers that introduce themselves have no name yet and are left out, unless it
// was us who dialled.
func byNeighbour(links []*inspectv1.Link) []*inspectv1.Link {
	type pair struct{ backend, neighbour string }
	best := map[pair]*inspectv1.Link{}
	var order []pair
	for _, l := range links {
		if l.GetNeighbour() == "" && accepted(l) {
			continue
		}
		p := pair{l.GetBackend(), l.GetNeighbour()}
		old, known := best[p]
		if !known {
			order = append(order, p)
		}
		if !known || rank(l) > rank(old) {
			best[p] = l
		}
	}
	list := make([]*inspectv1.Link, 0, len(order))
	for _, p := range order {
		list = append(list, best[p])
	}
	return list
}

// accepted reports that it was the other side who dialled.
func accepted(l *inspectv1.Link) bool { return strings.Contains(l.GetBackend(), "-listener:") }

func rank(l *inspectv1.Link) int {
	if l.GetState() == inspectv1.LinkState_LINK_STATE_ESTABLISHED {
		return 1
	}
	return 0
}

var (
	frames      = counter("frames", "Data messages of the mesh by what became of them.", "result")
	neighbours  = gauge("neighbours", "Established links.")
	knownNodes  = gauge("known_nodes", "Nodes of the mesh that this one has heard of.")
	reachable   = gauge("reachable_nodes", "Nodes to which there is a route.")
	adverts     = gauge("advertisements", "Services that are known.")
	routes      = counter("route_changes", "Changes of the routing table.")
	units       = gauge("units", "Units of work on this node by state.", "state")
	drained     = gauge("drained", "1 while the node takes no new work.")
	sessions    = gauge("stream_sessions", "Sessions with other nodes by who began them.", "direction")
	openStreams = gauge("streams", "Open streams.")
)

func collectFigures(s *inspectv1.Snapshot, out chan<- prometheus.Metric) {
	p := s.GetPlane()
	for result, n := range map[string]uint64{
		"forwarded": p.GetForwarded(), "delivered": p.GetDelivered(), "malformed": p.GetMalformed(),
		"unknown_source": p.GetUnknownSource(), "expired": p.GetExpired(), "no_route": p.GetNoRoute(),
		"no_service": p.GetNoService(), "blocked": p.GetBlocked(), "unknown_node": p.GetUnknownNode(),
	} {
		frames.send(out, float64(n), result)
	}
	if r := s.GetRoutes(); r != nil {
		neighbours.send(out, float64(r.GetNeighbours()))
		knownNodes.send(out, float64(r.GetKnownNodes()))
		reachable.send(out, float64(r.GetReachableNodes()))
		adverts.send(out, float64(r.GetAdvertisements()))
		routes.send(out, float64(r.GetChanges()))
	}
	if u := s.GetUnits(); u != nil {
		for state, n := range map[string]uint32{
			"pending": u.GetPending(), "running": u.GetRunning(), "succeeded": u.GetSucceeded(),
			"failed": u.GetFailed(), "canceled": u.GetCanceled(),
		} {
			units.send(out, float64(n), state)
		}
		drained.send(out, truth(u.GetDrained()))
	}
	if c := s.GetSessions(); c != nil {
		sessions.send(out, float64(c.GetDialled()), "out")
		sessions.send(out, float64(c.GetAccepted()), "in")
		openStreams.send(out, float64(c.GetStreams()))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var (
	actors      = gauge("actors", "Actors by kind and state.", "kind", "state")
	restarts    = gauge("actor_restarts", "Restarts of the actors that there are, by kind.", "kind")
	mailbox     = gauge("mailbox_messages", "Messages that wait in mailboxes, by kind of actor.", "kind")
	mailboxMax  = gauge("mailbox_max_messages", "Messages in the fullest mailbox, by kind of actor.", "kind")
	mailboxWait = gauge("mailbox_oldest_seconds", "How long the oldest message has been waiting, by kind of actor; debug mode only.", "kind")
)

func collectActors(a *inspectv1.ActorTotals, out chan<- prometheus.Metric) {
	kind := cmp.Or(a.GetKind(), "other")
	actors.send(out, float64(a.GetRunning()), kind, "running")
	actors.send(out, float64(a.GetRestarting()), kind, "restarting")
	actors.send(out, float64(a.GetStopping()), kind, "stopping")
	restarts.send(out, float64(a.GetRestarts()), kind)
	mailbox.send(out, float64(a.GetMailbox()), kind)
	mailboxMax.send(out, float64(a.GetMailboxMax()), kind)
	mailboxWait.seconds(out, a.GetOldest(), kind)
}
