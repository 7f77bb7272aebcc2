package config

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// WorkKubernetes is a type of work that pods in a Kubernetes cluster do.
type WorkKubernetes struct {
	WorkType            string
	Namespace           string
	Image               string
	Command             string
	Params              string
	AuthMethod          string // incluster, kubeconfig or runtime
	KubeConfig          string // file
	Pod                 string // file
	AllowRuntimeAuth    bool
	AllowRuntimeCommand bool
	AllowRuntimeParams  bool
	AllowRuntimePod     bool
	DeletePodOnRestart  bool
	StreamMethod        string // logger or tcp
	CheckInput          bool
	VerifySignature     bool
	Limits
}

// What authmethod and streammethod can be.
const (
	AuthInCluster  = "incluster"
	AuthKubeconfig = "kubeconfig"
	AuthRuntime    = "runtime"
	StreamLogger   = "logger"
	StreamTCP      = "tcp"
)

var kubernetesAction = define(action{
	name: "work-kubernetes", section: workers,
	about: "A type of work that pods in a Kubernetes cluster do.",
}, WorkKubernetes{AuthMethod: AuthInCluster, StreamMethod: StreamLogger, DeletePodOnRestart: true}, applyWorkKubernetes,
	append([]param{
		with("worktype", required|nonEmpty, "Name of the type of work.",
			func(w *WorkKubernetes) *string { return &w.WorkType }),
		with("namespace", 0, "Namespace of the pods. Without it that of the kubeconfig.",
			func(w *WorkKubernetes) *string { return &w.Namespace }),
		with("image", 0, "Image of the container that does the work.",
			func(w *WorkKubernetes) *string { return &w.Image }),
		with("command", 0, "Command to run in it, in shell quoting. Without it the image's own.",
			func(w *WorkKubernetes) *string { return &w.Command }),
		with("params", 0, "Parameters of the command, in shell quoting.",
			func(w *WorkKubernetes) *string { return &w.Params }),
		with("authmethod", 0, "Where access to the cluster comes from: incluster, kubeconfig, or runtime (whoever submits).",
			func(w *WorkKubernetes) *string { return &w.AuthMethod }).among(AuthInCluster, AuthKubeconfig, AuthRuntime),
		with("kubeconfig", 0, "Kubeconfig file, with authmethod kubeconfig. Without it the one of kubectl.",
			func(w *WorkKubernetes) *string { return &w.KubeConfig }),
		with("pod", 0, "File with the definition of the pod, in place of image, command and params; one container must be named worker.",
			func(w *WorkKubernetes) *string { return &w.Pod }),
		with("allowruntimeauth", 0, "Let whoever submits give a kubeconfig and a namespace.",
			func(w *WorkKubernetes) *bool { return &w.AllowRuntimeAuth }),
		with("allowruntimecommand", 0, "Let whoever submits give image and command.",
			func(w *WorkKubernetes) *bool { return &w.AllowRuntimeCommand }),
		with("allowruntimeparams", 0, "Let whoever submits add parameters.",
			func(w *WorkKubernetes) *bool { return &w.AllowRuntimeParams }),
		with("allowruntimepod", 0, "Let whoever submits give the definition of the pod.",
			func(w *WorkKubernetes) *bool { return &w.AllowRuntimePod }),
		with("deletepodonrestart", 0, "Delete pods that can't be followed any more when the node starts again: unfinished ones of streammethod tcp. The same default in both forms of a file.",
			func(w *WorkKubernetes) *bool { return &w.DeletePodOnRestart }),
		with("streammethod", 0, "How input and output go: logger (attach and log) or tcp (the pod connects to this node).",
			func(w *WorkKubernetes) *string { return &w.StreamMethod }).among(StreamLogger, StreamTCP),
		with("checkinput", 0, "Have a shell in the pod check that all input arrived before the command starts. Needs sh, mktemp, head and wc in the image.",
			func(w *WorkKubernetes) *bool { return &w.CheckInput }),
		with("verifysignature", 0, "Take signed work only.",
			func(w *WorkKubernetes) *bool { return &w.VerifySignature }),
	}, limited(func(w *WorkKubernetes) *Limits { return &w.Limits })...)...,
)

func applyWorkKubernetes(c *Config, w *WorkKubernetes) error {
	w.AuthMethod = strings.ToLower(cmp.Or(w.AuthMethod, AuthInCluster))
	w.StreamMethod = strings.ToLower(cmp.Or(w.StreamMethod, StreamLogger))
	if err := w.consistent(); err != nil {
		return err
	}
	if err := c.claimWork(w.WorkType); err != nil {
		return err
	}
	c.WorkKubernetes = append(c.WorkKubernetes, *w)
	return c.WorkKubernetes[len(c.WorkKubernetes)-1].check(w.WorkType)
}

// consistent wants what fits together, in the words of the existing system.
func (w *WorkKubernetes) consistent() error {
	switch {
	case w.AuthMethod != AuthInCluster && w.AuthMethod != AuthKubeconfig && w.AuthMethod != AuthRuntime:
		return fmt.Errorf("invalid AuthMethod: %s", w.AuthMethod)
	case w.Namespace == "" && w.AuthMethod != AuthKubeconfig && !w.AllowRuntimeAuth:
		return errors.New("must provide namespace when AuthMethod is not kubeconfig")
	case w.KubeConfig != "" && w.AuthMethod != AuthKubeconfig:
		return errors.New("can only provide KubeConfig when AuthMethod=kubeconfig")
	}
	return w.consistentPod()
}

func (w *WorkKubernetes) consistentPod() error {
	switch {
	case w.Pod != "" && w.Image+w.Command+w.Params != "":
		return errors.New("can only provide Pod when Image, Command, and Params are empty")
	case w.Pod == "" && w.Image == "" && !w.AllowRuntimeCommand && !w.AllowRuntimePod:
		return errors.New("must specify a container image to run")
	case w.StreamMethod != StreamLogger && w.StreamMethod != StreamTCP:
		return errors.New("stream mode must be logger or tcp")
	case w.CheckInput && w.StreamMethod == StreamTCP:
		return errors.New("checkinput is for streammethod logger: TCP loses nothing")
	}
	return nil
}

// checkKubeconfigs wants the files to be there.
func (c *Config) checkKubeconfigs(p *problems, env Env) {
	for _, w := range c.WorkKubernetes {
		if w.KubeConfig == "" {
			continue
		}
		if _, err := env.ReadFile(w.KubeConfig); err != nil {
			p.add(fmt.Errorf("error accessing kubeconfig file: %w", err))
		}
	}
}

// checkKube warns of limits that are no numbers: they don't count.
func (c *Config) checkKube() {
	for name, text := range map[string]string{"qps": c.Node.Kube.QPS, "burst": c.Node.Kube.Burst} {
		if _, err := strconv.Atoi(text); err != nil && text != "" {
			c.warn(fmt.Sprintf("%s of the Kubernetes client is %q and no whole number, the default is used", name, text))
		}
	}
}
