package work

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/work/kube"
	workv1 "receptor/proto/work/v1"
)

// KubeClients are the settings of all clients of Kubernetes clusters.
type KubeClients = kube.Settings

// KubeType is a type of work that pods in a Kubernetes cluster do.
type KubeType struct {
	Type       string
	Namespace  string
	Image      string
	Command    string // instead of the image's; split like a shell does
	Params     string
	Auth       KubeAuth
	ConfigFile string // a kubeconfig; without it the ones that kubectl takes
	PodFile    string // a pod definition, instead of Image, Command and Params
	// What whoever submits may say.
	AllowRuntimeAuth, AllowRuntimeCommand, AllowRuntimeParams, AllowRuntimePod bool
	// DeletePodOnRestart deletes pods that can't be followed any more after a restart.
	DeletePodOnRestart bool
	// TCP has the worker connect to this node for its input and output, in place of
	// attach and log.
	TCP bool
	// CheckInput has a shell in the pod count the input before the command starts.
	CheckInput      bool
	VerifySignature bool
	Limits
}

// KubeAuth is where the configuration of a cluster comes from.
type KubeAuth int

const (
	AuthInCluster  KubeAuth = iota // the service account of this process's own pod
	AuthKubeconfig                 // ConfigFile
	AuthRuntime                    // the request for work
)

// kubeTypes joins them to those that commands do.
func (t *terms) kubeTypes(log zerolog.Logger) {
	t.clusters = &kube.Clients{Settings: t.KubeClients, Log: log}
	for _, k := range t.Kube {
		t.types[k.Type] = CommandType{Type: k.Type, VerifySignature: k.VerifySignature, Limits: k.Limits, kube: &k}
	}
}

// access says how the cluster of a unit is reached that has that kubeconfig.
func (k *KubeType) access(config string) kube.Access {
	return kube.Access{Config: config, InCluster: k != nil && k.Auth == AuthInCluster && config == ""}
}

// Parameters of work that pods do.
const (
	paramImage     = "kube_image"
	paramCommand   = "kube_command"
	paramParams    = "kube_params"
	paramNamespace = "kube_namespace"
	paramConfig    = "secret_kube_config"
	paramPod       = "secret_kube_pod"
	paramPending   = "pod_pending_timeout"
)

// admitPod decides about a unit for a pod before anything of it exists.
func (f *family) admitPod(t CommandType, params map[string]string) (*workv1.Create, *workv1.Refused) {
	p, err := t.kube.work(params)
	if err != nil {
		return nil, refused(workv1.Code_CODE_BAD_REQUEST, err.Error())
	}
	return &workv1.Create{WorkType: t.Type, Pod: p}, nil
}

func (k *KubeType) work(params map[string]string) (*workv1.PodWork, error) {
	if err := k.permitParams(params); err != nil {
		return nil, err
	}
	p := &workv1.PodWork{
		Image: cmp.Or(params[paramImage], k.Image), Command: cmp.Or(params[paramCommand], k.Command),
		Params:    joinParams(k.Params, params[paramParams]),
		Namespace: cmp.Or(params[paramNamespace], k.Namespace),
		KubePod:   params[paramPod], KubeConfig: params[paramConfig],
	}
	if text := params[paramPending]; text != "" {
		limit, err := time.ParseDuration(text)
		if err != nil {
			return nil, err
		}
		p.PendingTimeoutMs = limit.Milliseconds()
	}
	if err := k.complete(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (k *KubeType) permitParams(params map[string]string) error {
	for _, rule := range []struct {
		name    string
		allowed bool
	}{
		{paramCommand, k.AllowRuntimeCommand}, {paramImage, k.AllowRuntimeCommand}, {paramParams, k.AllowRuntimeParams},
		{paramPending, k.AllowRuntimeParams}, {paramNamespace, k.AllowRuntimeAuth}, {paramConfig, k.AllowRuntimeAuth},
		{paramPod, k.AllowRuntimePod},
	} {
		if params[rule.name] != "" && !rule.allowed {
			return fmt.Errorf("%s provided but not allowed", rule.name)
		}
	}
	switch {
	case k.Auth == AuthRuntime && params[paramConfig] == "":
		return fmt.Errorf("param %s must be provided if AuthMethod=runtime", paramConfig)
	case params[paramPod] != "" && params[paramCommand]+params[paramImage]+params[paramParams] != "":
		return fmt.Errorf("params %s, %s, %s not compatible with %s", paramCommand, paramImage, paramParams, paramPod)
	case params[paramConfig] != "":
		return kube.CheckGiven(params[paramConfig])
	}
	return nil
}

// complete reads the files of the type, as they are now.
func (k *KubeType) complete(p *workv1.PodWork) error {
	if p.GetKubePod() == "" && k.PodFile != "" {
		text, err := os.ReadFile(k.PodFile)
		if err != nil {
			return fmt.Errorf("could not read pod: %w", err)
		}
		p.KubePod = string(text)
	}
	if p.GetKubePod() != "" {
		p.Image, p.Command, p.Params = "", "", ""
	}
	if p.GetKubeConfig() != "" || k.ConfigFile == "" {
		return nil
	}
	text, err := os.ReadFile(k.ConfigFile)
	if err != nil {
		return fmt.Errorf("could not read kubeconfig: %w", err)
	}
	p.KubeConfig = string(text)
	return nil
}
