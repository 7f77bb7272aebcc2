package kube

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// callLimit bounds every request that is answered at once.
const callLimit = 30 * time.Second

// Client speaks to one cluster.
type Client struct {
	Namespace string // that its configuration names; may be empty
	cfg       *rest.Config
	rest      *rest.RESTClient
	params    runtime.ParameterCodec
}

// newClient registers what there is about pods, and nothing else of the many kinds.
func newClient(a Access, s Settings) (*Client, error) {
	cfg, namespace, err := a.rest()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	s.limit(cfg)
	version := corev1.SchemeGroupVersion
	cfg.GroupVersion, cfg.APIPath, cfg.UserAgent = &version, "/api", "receptor"
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	cfg.WarningHandler = rest.NoWarnings{}
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return &Client{Namespace: namespace, cfg: cfg, rest: client, params: runtime.NewParameterCodec(scheme)}, nil
}

// Clients shares clients between units: those of one cluster have one rate limit and
// one set of connections.
type Clients struct {
	Settings Settings
	Log      zerolog.Logger

	mu     sync.Mutex
	shared map[[sha256.Size]byte]*lease
}

type lease struct {
	once   sync.Once
	client *Client
	err    error
	users  int
}

// Get returns a client; free gives it back.
func (c *Clients) Get(a Access) (client *Client, free func(), err error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%t %s", a.InCluster, a.Config))
	c.mu.Lock()
	if c.shared == nil {
		c.shared = map[[sha256.Size]byte]*lease{}
	}
	l, ok := c.shared[key]
	if !ok {
		l = &lease{}
		c.shared[key] = l
	}
	l.users++
	c.mu.Unlock()
	free = sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(c.shared, key)
		}
	})
	quiet(c.Log)
	l.once.Do(func() { l.client, l.err = newClient(a, c.Settings) })
	if l.err != nil {
		free()
		return nil, func() {}, l.err
	}
	return l.client, free, nil
}

// NamespaceFor is where a unit's pod goes that asks for that namespace, or for none.
func (c *Client) NamespaceFor(asked string) (string, error) {
	switch {
	case asked != "":
		return asked, nil
	case c.Namespace != "":
		return c.Namespace, nil
	default:
		return "", errNoNamespace
	}
}

func (c *Client) Create(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	made := &corev1.Pod{}
	return made, c.rest.Post().Namespace(p.Namespace).Resource("pods").Body(p).Do(ctx).Into(made)
}

func (c *Client) Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	p := &corev1.Pod{}
	return p, c.rest.Get().Namespace(namespace).Resource("pods").Name(name).Do(ctx).Into(p)
}

func (c *Client) Delete(ctx context.Context, namespace, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return c.rest.Delete().Namespace(namespace).Resource("pods").Name(name).Body(&metav1.DeleteOptions{}).Do(ctx).Error()
}

// pageSize bounds what a list holds in memory at a time.
const pageSize = 200

// Each calls f with every pod that has these labels.
func (c *Client) Each(ctx context.Context, namespace, selector string, f func(*corev1.Pod) error) error {
	opts := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
	for {
		list := &corev1.PodList{}
		if err := c.list(ctx, namespace, opts, list); err != nil {
			return err
		}
		for i := range list.Items {
			if err := f(&list.Items[i]); err != nil {
				return err
			}
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			return nil
		}
	}
}

func (c *Client) list(ctx context.Context, namespace string, opts metav1.ListOptions, into *corev1.PodList) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return c.rest.Get().Namespace(namespace).Resource("pods").VersionedParams(&opts, c.params).Do(ctx).Into(into)
}

// watch follows one pod from a version on.
func (c *Client) watch(ctx context.Context, namespace, name, version string) (watch.Interface, error) {
	opts := metav1.ListOptions{
		FieldSelector: "metadata.name=" + name, ResourceVersion: version, Watch: true, AllowWatchBookmarks: true,
	}
	return c.rest.Get().Namespace(namespace).Resource("pods").VersionedParams(&opts, c.params).Watch(ctx)
}

// Version is the server's, such as v1.34.4.
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	text, err := c.rest.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", err
	}
	var v struct{ GitVersion string }
	err = json.Unmarshal(text, &v)
	return v.GitVersion, err
}
