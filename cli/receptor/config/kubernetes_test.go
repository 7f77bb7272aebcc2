package config

import (
	"strings"
	"testing"
)

func TestKubernetesDefaults(t *testing.T) {
	c := mustParse(t, nil, "--work-kubernetes", "worktype=k", "namespace=n", "image=i")
	want := WorkKubernetes{
		WorkType: "k", Namespace: "n", Image: "i", AuthMethod: "incluster", StreamMethod: "logger", DeletePodOnRestart: true,
	}
	if len(c.WorkKubernetes) != 1 || c.WorkKubernetes[0] != want {
		t.Errorf("got %+v", c.WorkKubernetes)
	}
}

func TestKubernetesChecks(t *testing.T) {
	for params, want := range map[string]string{
		"authmethod=xx":                     "invalid AuthMethod: xx",
		"image=i":                           "must provide namespace when AuthMethod is not kubeconfig",
		"namespace=n kubeconfig=/k image=i": "can only provide KubeConfig when AuthMethod=kubeconfig",
		"authmethod=kubeconfig kubeconfig=/x image=i":                 "error accessing kubeconfig file",
		"namespace=n pod=/p image=i":                                  "can only provide Pod when Image, Command, and Params are empty",
		"namespace=n":                                                 "must specify a container image to run",
		"namespace=n image=i streammethod=udp":                        "stream mode must be logger or tcp",
		"namespace=n image=i streammethod=TCP checkinput=yes":         "checkinput is for streammethod logger",
		"authmethod=Runtime allowruntimeauth=yes allowruntimepod=yes": "",
		"authmethod=kubeconfig image=i":                               "",
		"namespace=n image=i maxconcurrent=-1":                        "must not be negative",
	} {
		args := append([]string{"--work-kubernetes", "worktype=k"}, strings.Fields(params)...)
		_, err := Parse(args, world(nil))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", params, err, want)
		}
	}
}

func TestKubernetesClientWarnings(t *testing.T) {
	for params, want := range map[string]string{
		"receptorkubeclientsetqps=50 receptorkubeclientsetburst=500": "",
		"receptorkubeclientsetqps=many":                              `qps of the Kubernetes client is "many" and no whole number, the default is used`,
		"receptorkubeclientsetburst=1.5":                             `burst of the Kubernetes client is "1.5" and no whole number, the default is used`,
	} {
		c := mustParse(t, nil, append([]string{"--local-only", "--node", "id=a"}, strings.Fields(params)...)...)
		if got := strings.Join(c.Warnings, "\n"); got != want {
			t.Errorf("%s: warnings %q, want %q", params, got, want)
		}
	}
}

func TestKubernetesTypesHaveNamesOfTheirOwn(t *testing.T) {
	_, err := Parse([]string{"--work-command", "worktype=k", "command=c", "--work-kubernetes", "worktype=k", "namespace=n", "image=i"},
		world(nil))
	wantError(t, err, "work type k already registered")
}
