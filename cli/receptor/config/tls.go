package config

import (
	"errors"
	"fmt"
	"slices"

	"receptor/transport/secure"
	"receptor/transport/secure/cert"
)

var tlsActions = []action{
	define(action{
		name: "tls-server", section: resources,
		about: "A TLS configuration for whatever listens. It has no effect until something names it.",
	}, secure.ServerOptions{}, applyTLSServer,
		with("name", required, "Name for others to use.",
			func(s *secure.ServerOptions) *string { return &s.Name }),
		with("cert", required, "PEM file with the certificate, and its chain.",
			func(s *secure.ServerOptions) *string { return &s.Cert }),
		with("key", required, "PEM file with the certificate's key.",
			func(s *secure.ServerOptions) *string { return &s.Key }),
		with("requireclientcert", 0, "Let in only clients with a certificate; on the mesh it has to name their node.",
			func(s *secure.ServerOptions) *bool { return &s.RequireClientCert }),
		with("clientcas", 0, "PEM file with the authorities that clients are believed by. Without it: those of the system.",
			func(s *secure.ServerOptions) *string { return &s.ClientCAs }),
		with("pinnedclientcert", 0, "SHA-256 or SHA-512 of the only certificates that clients may show, in hex.",
			func(s *secure.ServerOptions) *[]string { return &s.PinnedClientCert }),
		with("skipreceptornamescheck", 0, "Accept a certificate of our own that does not name this node.",
			func(s *secure.ServerOptions) *bool { return &s.SkipReceptorNamesCheck }),
		with("mintls13", 0, "Speak TLS 1.3 or later only.",
			func(s *secure.ServerOptions) *bool { return &s.MinTLS13 }),
	),
	define(action{
		name: "tls-client", section: resources,
		about: `A TLS configuration for whatever dials. It has no effect until something names it; wss:// peers that name none use the one called "default".`,
	}, secure.ClientOptions{}, applyTLSClient,
		with("name", required, "Name for others to use.",
			func(s *secure.ClientOptions) *string { return &s.Name }),
		with("cert", required|orAbsent, "PEM file with the certificate, and its chain; empty, with key, for none.",
			func(s *secure.ClientOptions) *string { return &s.Cert }),
		with("key", required|orAbsent, "PEM file with the certificate's key.",
			func(s *secure.ClientOptions) *string { return &s.Key }),
		with("rootcas", 0, "PEM file with the authorities that servers are believed by. Without it: those of the system.",
			func(s *secure.ClientOptions) *string { return &s.RootCAs }),
		with("insecureskipverify", 0, "Believe every server.",
			func(s *secure.ClientOptions) *bool { return &s.InsecureSkipVerify }),
		with("pinnedservercert", 0, "SHA-256 or SHA-512 of the only certificates that servers may show, in hex.",
			func(s *secure.ClientOptions) *[]string { return &s.PinnedServerCert }),
		with("skipreceptornamescheck", 0, "Accept a certificate of our own that does not name this node.",
			func(s *secure.ClientOptions) *bool { return &s.SkipReceptorNamesCheck }),
		with("mintls13", 0, "Speak TLS 1.3 or later only.",
			func(s *secure.ClientOptions) *bool { return &s.MinTLS13 }),
	),
}

// What the files hold is checked when the node starts.
func applyTLSServer(c *Config, s *secure.ServerOptions) error {
	if err := checkTLS(s.Name, s.PinnedClientCert); err != nil {
		return fmt.Errorf("error preparing tls server config: %w", err)
	}
	if slices.Contains(serverNames(c), s.Name) {
		c.warn(fmt.Sprintf("tls-server %s is there twice: the later one counts", s.Name))
	}
	c.TLSServers = append(c.TLSServers, *s)
	return nil
}

func applyTLSClient(c *Config, s *secure.ClientOptions) error {
	err := checkTLS(s.Name, s.PinnedServerCert)
	if err == nil && (s.Cert == "") != (s.Key == "") {
		err = errors.New("cert and key must both be supplied or neither")
	}
	if err != nil {
		return fmt.Errorf("error preparing tls client config: %w", err)
	}
	if slices.ContainsFunc(c.TLSClients, func(o secure.ClientOptions) bool { return o.Name == s.Name }) {
		c.warn(fmt.Sprintf("tls-client %s is there twice: the later one counts", s.Name))
	}
	c.TLSClients = append(c.TLSClients, *s)
	return nil
}

func checkTLS(name string, pins []string) error {
	if name == "" {
		return errors.New("must provide a name")
	}
	if _, err := cert.ParseFingerprints(pins); err != nil {
		return fmt.Errorf("error decoding fingerprints: %w", err)
	}
	return nil
}

// serverNames are in the configuration so far.
func serverNames(c *Config) []string {
	var names []string
	for _, s := range c.TLSServers {
		names = append(names, s.Name)
	}
	return names
}

// namesOf are all names of one kind of TLS configuration, also of those that are
// wrong in another way.
func namesOf(items []*item, kind string) []string {
	var names []string
	for _, it := range items {
		if it.action.name == kind {
			names = append(names, it.text(it.action.param("name")))
		}
	}
	return names
}

// checkReferences finds names of TLS configurations that there are not. It comes
// after all actions: a name may be used before it is explained.
func checkReferences(p *problems, items []*item) {
	servers := namesOf(items, "tls-server")
	clients := append(namesOf(items, "tls-client"), secure.DefaultClient) // which is always there
	for _, it := range items {
		for i := range it.action.params {
			switch prm := &it.action.params[i]; {
			case prm.rules&namesServer != 0:
				p.add(it.located(checkReference(it.text(prm), "tls-server", servers, "tls-client", clients)))
			case prm.rules&namesClient != 0:
				p.add(it.located(checkReference(it.text(prm), "tls-client", clients, "tls-server", servers)))
			}
		}
	}
}

func checkReference(name, kind string, known []string, otherKind string, others []string) error {
	if name == "" || slices.Contains(known, name) {
		return nil
	}
	hint := fmt.Sprintf(" (there is no %s)", kind)
	switch {
	case slices.Contains(others, name):
		hint = fmt.Sprintf(" (it is a %s; a %s is needed here)", otherKind, kind)
	case len(known) > 0:
		hint = didYouMean(name, known)
	}
	return fmt.Errorf("unknown TLS config %s%s", name, hint)
}
