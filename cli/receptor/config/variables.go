package config

import "strconv"

// variable is an environment variable that stands in for what the configuration
// does not say.
type variable struct {
	name  string
	about string
	take  func(c *Config, value string)
}

// variables are read in both forms. Those of the Kubernetes client stand in for
// parameters of node.
var variables = []variable{
	{"RECEPTOR_KUBE_SUPPORT_RECONNECT", "Stands in for receptorkubesupportreconnect of node.",
		func(c *Config, v string) { standIn(&c.Node.Kube.SupportReconnect, v) }},
	{"RECEPTOR_KUBE_CLIENTSET_QPS", "Stands in for receptorkubeclientsetqps of node.",
		func(c *Config, v string) { standIn(&c.Node.Kube.QPS, v) }},
	{"RECEPTOR_KUBE_CLIENTSET_BURST", "Stands in for receptorkubeclientsetburst of node.",
		func(c *Config, v string) { standIn(&c.Node.Kube.Burst, v) }},
	{"RECEPTOR_KUBE_CLIENTSET_RATE_LIMITER", "Stands in for receptorkubeclientsetratelimiter of node.",
		func(c *Config, v string) { standIn(&c.Node.Kube.RateLimiter, v) }},
	{"RECEPTOR_PAYLOAD_TRACE_LEVEL",
		"How much of the payload of work is logged at level debug: 1 where it comes from, 2 the unit too, 3 the payload itself, secrets in it included.",
		takePayloadTrace},
	{"QLOGDIR", "Directory to write a log of each QUIC connection to.",
		func(c *Config, v string) { c.QlogDir = v }},
}

// takeVariables comes after all actions.
func (c *Config) takeVariables(env Env) {
	for _, v := range variables {
		if value := env.Getenv(v.name); value != "" {
			v.take(c, value)
		}
	}
}

func standIn(parameter *string, value string) {
	if *parameter == "" {
		*parameter = value
	}
}

// takePayloadTrace takes what is no number for off.
func takePayloadTrace(c *Config, text string) {
	if level, err := strconv.Atoi(text); err == nil {
		c.PayloadTrace = level
	}
}

// otherVariables are read by what is below, or by the libraries; the table of them
// is for readers.
var otherVariables = []variable{
	{name: "KUBECONFIG", about: "Configuration of the Kubernetes client where authmethod is kubeconfig and no file is given."},
	{name: "KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT", about: "The cluster where authmethod is incluster."},
	{name: "HTTP_PROXY, HTTPS_PROXY, NO_PROXY", about: "Proxies that ws-peer dials through."},
	{name: "TMPDIR", about: "Where data is kept if datadir is given and empty."},
	{name: "PATH", about: "Where commands of work are found."},
	{name: "HOME", about: "Where receptor.yaml is if --config-v2 comes without a file."},
	{name: "TZ", about: "Time zone of the log."},
	{name: "SSL_CERT_FILE, SSL_CERT_DIR", about: "The authorities of the system, where no others are named."},
}
