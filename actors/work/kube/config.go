package kube

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-logr/logr/funcr"
	"github.com/rs/zerolog"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
)

// Access says how a cluster is reached.
type Access struct {
	InCluster bool   // with the service account of the pod that this process runs in
	Config    string // text of a kubeconfig; a secret. Empty: the files that kubectl would take
}

// Settings are those of all clients of a node.
type Settings struct {
	QPS         int    // requests per second; 0 means 100
	Burst       int    // requests at once; 0 means ten times QPS
	RateLimiter string // "always" lets all pass, "never" none; else QPS and Burst count
	Reconnect   string // "enabled", "auto", "disabled"; empty: as the server's version wants
}

var silence sync.Once

// quiet has what the library says on its own reach the log as details: whoever calls
// it hears of errors, and is the one to log them.
func quiet(log zerolog.Logger) {
	silence.Do(func() {
		klog.SetLogger(funcr.New(func(_, said string) {
			log.Debug().Str("said", said).Msg("Kubernetes client")
		}, funcr.Options{}))
	})
}

const (
	defaultQPS  = 100
	burstFactor = 10
)

// limit makes the rate limiter that all requests of a client share.
func (s Settings) limit(c *rest.Config) {
	qps := s.QPS
	if qps <= 0 {
		qps = defaultQPS
	}
	burst := s.Burst
	if burst <= 0 {
		burst = burstFactor * qps
	}
	c.QPS, c.Burst = float32(qps), burst
	switch strings.ToLower(s.RateLimiter) {
	case "always":
		c.RateLimiter = flowcontrol.NewFakeAlwaysRateLimiter()
	case "never":
		c.RateLimiter = flowcontrol.NewFakeNeverRateLimiter()
	default:
		c.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(c.QPS, burst)
	}
}

var (
	errConfig      = errors.New("kubeconfig can't be read (its text is not shown: it may hold secrets)")
	errNoNamespace = errors.New("could not determine namespace: give one to the type of work, or to the context of the kubeconfig")
)

// rest makes the library's configuration, and the namespace that it names; empty if
// it names none.
func (a Access) rest() (*rest.Config, string, error) {
	if a.InCluster {
		c, err := rest.InClusterConfig()
		return c, "", err
	}
	if a.Config == "" {
		return resolve(clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}))
	}
	loaded, err := clientcmd.NewClientConfigFromBytes([]byte(a.Config))
	if err != nil {
		return nil, "", errConfig
	}
	return resolve(loaded)
}

func resolve(given clientcmd.ClientConfig) (*rest.Config, string, error) {
	c, err := given.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	raw, err := given.RawConfig()
	if err != nil {
		return nil, "", errConfig
	}
	namespace := ""
	if current, ok := raw.Contexts[raw.CurrentContext]; ok {
		namespace = current.Namespace
	}
	return c, namespace, nil
}

// CheckGiven looks at a kubeconfig that came with a request for work: it must not
// have this node run programs, or send its files to a server.
func CheckGiven(text string) error {
	c, err := clientcmd.Load([]byte(text))
	if err != nil {
		return errConfig
	}
	for name, user := range c.AuthInfos {
		switch {
		case user.Exec != nil:
			return fmt.Errorf("user %s of the kubeconfig names a program to run: only tokens and certificates are taken", name)
		case user.AuthProvider != nil:
			return fmt.Errorf("user %s of the kubeconfig has an auth-provider: only tokens and certificates are taken", name)
		case user.TokenFile != "" || user.ClientCertificate != "" || user.ClientKey != "":
			return fmt.Errorf("user %s of the kubeconfig names files of this node: give tokens and certificates as data", name)
		}
	}
	return nil
}
