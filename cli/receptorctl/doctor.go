package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/internal/nearest"
	"receptor/cli/receptorctl/client"
)

const doctorDescription = `Looks for the reason why something can't be reached, and says what to do about it.

  receptorctl doctor               this node: its links, routes, certificates
  receptorctl doctor NODE          the way to a node, and its control service
  receptorctl doctor NODE SERVICE  a service there
  receptorctl doctor unit ID       a unit of work, and the node that runs it

Each check is one line: ok, warn or fail. Exit code 1 if one failed. Why links fail is
told at the node's own Unix socket, elsewhere only with --debug remote=true.`

func (t *tool) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "Explain why a node, a service or a unit can't be reached.",
		ArgsUsage: "[NODE] [SERVICE]", Description: doctorDescription,
		Flags: []cli.Flag{
			nodeTLSFlag(),
			jsonFlag("print a list of the checks as JSON"),
		},
		Action: t.doctor,
	}
}

// finding is the outcome of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warn or fail
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"`
}

const (
	resultOK   = "ok"
	resultWarn = "warn"
	resultFail = "fail"
)

var resultColours = map[string]string{resultOK: green, resultWarn: yellow, resultFail: red}

// doctor checks one thing after the other.
type doctor struct {
	*tool
	ctx      context.Context
	tlsName  string
	st       status
	mesh     mesh
	links    []linkTrouble
	findings []finding
	show     func(finding) error
	err      error // of show
}

func (t *tool) doctor(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) > 2 {
		return misusedIn(c, "Got unexpected extra arguments (%s)", strings.Join(args[2:], " "))
	}
	d := &doctor{tool: t, ctx: c.Context, tlsName: c.String("tls-client"), findings: []finding{}, show: t.showFinding}
	if c.Bool("json") {
		d.show = func(finding) error { return nil }
	}
	if d.node() {
		switch {
		case len(args) == 0:
			d.everything()
		case args[0] == "unit" && len(args) == 2:
			d.unit(args[1])
		case len(args) == 2:
			d.service(args[0], args[1])
		default:
			d.reachable(args[0])
		}
	}
	if c.Context.Err() != nil {
		return context.Cause(c.Context)
	}
	return d.finish(c.Bool("json"))
}

func (d *doctor) finish(asJSON bool) error {
	if d.err != nil {
		return d.err
	}
	if asJSON {
		if err := d.printJSON(d.findings); err != nil {
			return err
		}
	}
	for _, f := range d.findings {
		if f.Result == resultFail {
			return &failure{code: exitError}
		}
	}
	return nil
}

func (d *doctor) ok(check, format string, args ...any) {
	d.found(finding{check, resultOK, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warning(check, text, advice string) {
	d.found(finding{check, resultWarn, text, advice})
}

func (d *doctor) failure(check, text, advice string) {
	d.found(finding{check, resultFail, text, advice})
}

func (d *doctor) found(f finding) {
	f.Text, f.Advice = strings.Join(strings.Fields(f.Text), " "), strings.Join(strings.Fields(f.Advice), " ")
	d.findings = append(d.findings, f)
	if err := d.show(f); err != nil && d.err == nil {
		d.err = err
	}
}

func (t *tool) showFinding(f finding) error {
	text := f.Text
	if f.Advice != "" {
		text += " -> " + f.Advice
	}
	mark := paint(t.out, resultColours[f.Result], f.Result) + strings.Repeat(" ", 4-len(f.Result))
	return t.print(fmt.Sprintf("%s  %-11s  %s\n", mark, f.Check, text))
}

// node looks at the node that is asked; without it nothing else can be found out.
func (d *doctor) node() bool {
	d.checked = true // a version is a check of its own
	s, err := d.open(d.ctx)
	if err != nil {
		f := explain(err)
		d.failure("socket", f.text, f.note)
		return false
	}
	defer s.Close()
	reply, err := s.Command("status")
	if err == nil {
		err = json.Unmarshal(reply, &d.st)
	}
	if err != nil {
		d.failure("socket", explain(err).text, "Is that the control service of a Receptor node?")
		return false
	}
	d.mesh = meshOf(d.st)
	d.ok("socket", "connected to node %s", d.st.NodeID)
	d.version(d.st.NodeID, d.st.Version, version, "receptorctl")
	d.certificates(reply)
	d.links = troubles(s)
	return true
}

// version compares that of a node with another one.
func (d *doctor) version(node, got, other, whose string) {
	switch got {
	case other:
		d.ok("version", "%s runs %s, as %s", node, orUnknown(got), whose)
	default:
		d.warning("version", fmt.Sprintf("%s runs %s, %s %s", node, orUnknown(got), whose, orUnknown(other)),
			"Different versions work together; if something does not, take the same.")
	}
}

func orUnknown(v string) string {
	if v == "" {
		return "an unknown version"
	}
	return v
}

// everything is the state of the node itself.
func (d *doctor) everything() {
	peers := d.st.Connections
	if len(peers) == 0 {
		d.warning("neighbours", d.st.NodeID+" has none: it is on its own",
			"If it should have some, look at its listeners and peers in its configuration, and at its log.")
	} else {
		names := make([]string, len(peers))
		for i, p := range peers {
			names[i] = p.NodeID
		}
		d.ok("neighbours", "%s", strings.Join(names, ", "))
	}
	for _, l := range d.links {
		l.report(d)
	}
	d.graph()
	d.pingNeighbours()
}

// graph looks for nodes without a route, and links of which one end knows nothing.
func (d *doctor) graph() {
	before := len(d.findings)
	for _, node := range d.mesh.nodes() {
		if _, ok := d.mesh.routes[node]; !ok && node != d.mesh.self {
			d.failure("route", "there is no route to "+node, "See "+d.settings.command("doctor", node)+".")
		}
	}
	for _, node := range d.mesh.nodes() {
		for _, peer := range slices.Sorted(maps.Keys(d.mesh.costs[node])) {
			if h := d.mesh.hop(node, peer); strings.HasPrefix(h.Link, linkOneWay) {
				d.oneWay(h)
			}
		}
	}
	if len(d.findings) == before {
		d.ok("routes", "all %s of the mesh have a route, all links are known at both ends", plural(len(d.mesh.nodes()), "node"))
	}
}

func (d *doctor) oneWay(h hop) {
	d.warning("link", fmt.Sprintf("%s - %s is %s", h.From, h.To, h.Link),
		"It is coming up or going down; if it stays so, look at the logs of both nodes.")
}

// pinged bounds how many neighbours are asked: each that is silent takes 10 s.
const pinged = 10

func (d *doctor) pingNeighbours() {
	for i, p := range d.st.Connections {
		if i == pinged || d.ctx.Err() != nil {
			return
		}
		d.ping(p.NodeID)
	}
}

// ping tells whether a node answers.
func (d *doctor) ping(node string) bool {
	reply, err := d.ask(d.ctx, "ping", node)
	var p pingReply
	if err == nil {
		p, err = readPing(reply)
	}
	switch {
	case err != nil:
		d.failure("ping", node+": "+explain(err).text, "")
	case p.Success:
		d.ok("ping", "%s answers in %s", node, p.TimeStr)
		return true
	default:
		d.failure("ping", node+" does not answer: "+p.failureText(), pingAdvice(p.Error, node))
	}
	return false
}

func pingAdvice(text, node string) string {
	switch {
	case strings.Contains(text, "no route"):
		return "Is " + node + " running, and linked to a node of this mesh?"
	case strings.Contains(text, "firewall"):
		return "Look at the firewall rules (node: firewallrules) of that node: one stops messages to the service ping."
	case strings.Contains(text, "timeout"):
		return "Messages or their answers are lost on the way: a link that has just died, an overloaded node, or a firewall rule that drops."
	case strings.Contains(text, "expired"):
		return "Messages go round in circles: routes have not settled yet. Try again in a minute."
	case strings.Contains(text, "service unknown"):
		return "The node has no ping service: is its version very old?"
	}
	return "Look at the log of " + node + "."
}

// didYouMean is empty if nothing known is near.
func didYouMean(written string, known []string) string {
	if near := nearest.Likely(written, known); near != "" && near != written {
		return "Did you mean " + near + "? "
	}
	return ""
}

// streamAdvice is about a stream to a service that could not be opened.
func streamAdvice(text string) string {
	switch {
	case strings.Contains(text, "insecure connection to secure service"):
		return "The service wants TLS: name a tls-client of our node with --tls-client."
	case strings.Contains(text, "unknown TLS config"):
		return "Our node has no tls-client of that name in its configuration."
	case strings.Contains(text, "signed by unknown authority"):
		return "The certificate is not from an authority in rootcas of the tls-client; or the service wants no TLS at all."
	case strings.Contains(text, "expired"), strings.Contains(text, "not yet valid"):
		return "A certificate is out of its time, or a clock is wrong: see receptorctl doctor on both nodes."
	case strings.Contains(text, "CRYPTO_ERROR"), strings.Contains(text, "x509"), strings.Contains(text, "certificate"), strings.Contains(text, "tls:"):
		return "The two ends do not agree about certificates: compare tls-client here with tls-server there; the certificate must name the node ID."
	case strings.Contains(text, "firewall"):
		return "A firewall rule (node: firewallrules) on the way stops messages to that service."
	case strings.Contains(text, "no route"):
		return "See the checks above."
	case strings.Contains(text, "context canceled"), strings.Contains(text, "unknown on node"), strings.Contains(text, "service unknown"), strings.Contains(text, "not listening"):
		return "Nobody listens there: is the service in the configuration of the node, and has it started?"
	case strings.Contains(text, "timeout"), strings.Contains(text, "no recent network activity"):
		return "The node did not answer in time: packets to that service are lost or dropped, by a firewall or on the way."
	}
	return "Look at the log of that node."
}

// remoteText is what a node answered, or what kept it from answering.
func remoteText(err error) string { return strings.TrimPrefix(explain(err).text, "ERROR: ") }

// tryStream opens a stream to a service, and hands it over.
func (d *doctor) tryStream(node, service, tlsName string, then func(*client.Session)) error {
	s, err := d.open(d.ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := connect(s, node, service, tlsName); err != nil {
		return err
	}
	then(s)
	return nil
}
