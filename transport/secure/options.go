package secure

// ServerOptions are the parameters of a tls-server.
type ServerOptions struct {
	Name                   string
	Cert                   string // PEM file: own certificate first, then its chain
	Key                    string
	RequireClientCert      bool
	ClientCAs              string // PEM file; empty: those of the system
	PinnedClientCert       []string
	SkipReceptorNamesCheck bool // the own certificate need not name this node
	MinTLS13               bool
}

// ClientOptions are the parameters of a tls-client.
type ClientOptions struct {
	Name                   string
	Cert                   string // PEM file; empty, with Key: no certificate
	Key                    string
	RootCAs                string // PEM file; empty: those of the system
	InsecureSkipVerify     bool   // neither chain nor name is checked; pins still are
	PinnedServerCert       []string
	SkipReceptorNamesCheck bool // the own certificate need not name this node
	MinTLS13               bool
}
