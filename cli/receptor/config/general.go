package config

import (
	"errors"
	"fmt"
	"time"

	"receptor/transport/mesh/firewall"
)

// Node is the node itself.
type Node struct {
	ID       string
	DataDir  string
	MaxIdle  time.Duration // a link is given up after this long without a message
	Firewall []firewall.Rule
	Kube     Kube
	// MinFreeDisk refuses work while the disk has less, in bytes; 0 for no floor.
	MinFreeDisk int
	// RemoteRetention is how long finished units stay that ran on other nodes; 0 for
	// ever.
	RemoteRetention time.Duration

	maxIdle   string // as written
	retention string
	firewall  []any
}

// Kube is how to talk to a Kubernetes cluster, as written: work in a cluster
// makes something of it.
type Kube struct {
	SupportReconnect string
	QPS              string
	Burst            string
	RateLimiter      string
}

// LocalOnly asks for a node without neighbours.
type LocalOnly struct {
	Local bool // has no effect: naming the action is enough
}

const (
	defaultDataDir = "/tmp/receptor"
	minIdle        = 21 * time.Second // the default too: three routing updates, a little late
)

var generalActions = []action{
	define(action{
		name: "node", section: general, is: singleton | implied,
		about: "The node itself. Without this action the node is named after the host.",
	}, Node{DataDir: defaultDataDir}, applyNode,
		with("id", bare|nonEmpty, "Node ID. Without it the host name is the node ID.",
			func(n *Node) *string { return &n.ID }),
		with("datadir", 0, "Directory that keeps what outlives the process.",
			func(n *Node) *string { return &n.DataDir }),
		with("minfreedisk", 0, "Refuse work while the disk of the datadir has less bytes free. 0: no floor.",
			func(n *Node) *int { return &n.MinFreeDisk }),
		with("remoteretention", 0, "Release units that ran on other nodes so long after their end, as 24h. Without it they stay.",
			func(n *Node) *string { return &n.retention }),
		with("firewallrules", 0,
			"Which messages may pass: each an action (accept, reject or drop) and fromnode, tonode, fromservice, toservice (a name or /regular expression/). The first that matches decides.",
			func(n *Node) *[]any { return &n.firewall }),
		with("maxidleconnectiontimeout", 0, "Give a link up after this long without a message, 21s or longer, such as 30m10s.",
			func(n *Node) *string { return &n.maxIdle }),
		with("receptorkubesupportreconnect", 0, "Whether logs of pods are followed again after an interruption: enabled, disabled or auto.",
			func(n *Node) *string { return &n.Kube.SupportReconnect }),
		with("receptorkubeclientsetqps", 0, "Requests per second to a Kubernetes cluster.",
			func(n *Node) *string { return &n.Kube.QPS }),
		with("receptorkubeclientsetburst", 0, "Requests at once to a Kubernetes cluster.",
			func(n *Node) *string { return &n.Kube.Burst }),
		with("receptorkubeclientsetratelimiter", 0, "How requests to a Kubernetes cluster are limited: never, always or by a token bucket.",
			func(n *Node) *string { return &n.Kube.RateLimiter }),
	),
	define(action{
		name: "local-only", section: general, is: singleton,
		about: "Run a node without links to other nodes.",
	}, LocalOnly{}, applyLocalOnly,
		with("local", 0, "Naming the action is enough; in the map form this has to be true.",
			func(l *LocalOnly) *bool { return &l.Local }),
	),
	define(action{
		name: "version", section: general, is: exclusive,
		about: "Show the version and exit.",
	}, none{}, applyVersion),
	logLevelAction, logFormatAction, traceAction, debugAction,
}

func applyNode(c *Config, n *Node) error {
	if n.MinFreeDisk < 0 {
		return errors.New("minfreedisk must not be negative")
	}
	if n.retention != "" {
		var err error
		if n.RemoteRetention, err = parseSpan("remoteretention", n.retention); err != nil {
			return err
		}
	}
	idle, err := parseIdle(n.maxIdle)
	if err != nil {
		return err
	}
	n.MaxIdle = idle
	if n.Firewall, err = readRules(n.firewall); err != nil {
		return err
	}
	c.Node = *n
	c.Node.firewall = nil // it is compiled; what was written stays with the item
	return nil
}

// readRules compiles them too, to know now that it can be done.
func readRules(list []any) ([]firewall.Rule, error) {
	if len(list) == 0 {
		return nil, nil
	}
	rules, err := firewall.Read(list)
	if err != nil {
		return nil, err
	}
	_, err = firewall.Compile(rules)
	return rules, err
}

func parseIdle(text string) (time.Duration, error) {
	if text == "" {
		return minIdle, nil
	}
	idle, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("failed to parse MaxIdleConnectionTimeout from configuration file -- valid examples include '1.5h', '30m', '30m10s'")
	}
	if idle < minIdle {
		return 0, fmt.Errorf("user defined maxIdleConnectionTimeout [%d] is less than the default default timeout [%d]", idle, minIdle)
	}
	return idle, nil
}

func applyLocalOnly(c *Config, _ *LocalOnly) error {
	c.LocalOnly = true
	return nil
}

func applyVersion(c *Config, _ *none) error {
	c.Show = ShowVersion
	return nil
}
