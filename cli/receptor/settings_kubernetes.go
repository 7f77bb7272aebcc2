package main

import (
	"strconv"

	"receptor/actors/work"
	"receptor/cli/receptor/config"
)

func workKubernetes(w config.WorkKubernetes) work.KubeType {
	auth := map[string]work.KubeAuth{
		config.AuthInCluster: work.AuthInCluster, config.AuthKubeconfig: work.AuthKubeconfig, config.AuthRuntime: work.AuthRuntime,
	}
	return work.KubeType{
		Type: w.WorkType, Namespace: w.Namespace, Image: w.Image, Command: w.Command, Params: w.Params,
		Auth: auth[w.AuthMethod], ConfigFile: w.KubeConfig, PodFile: w.Pod,
		AllowRuntimeAuth: w.AllowRuntimeAuth, AllowRuntimeCommand: w.AllowRuntimeCommand,
		AllowRuntimeParams: w.AllowRuntimeParams, AllowRuntimePod: w.AllowRuntimePod,
		DeletePodOnRestart: w.DeletePodOnRestart, TCP: w.StreamMethod == config.StreamTCP, CheckInput: w.CheckInput,
		VerifySignature: w.VerifySignature, Limits: limits(w.Limits),
	}
}

// kubeClients takes the defaults for what is no number.
func kubeClients(k config.Kube) work.KubeClients {
	whole := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0
		}
		return n
	}
	return work.KubeClients{
		QPS: whole(k.QPS), Burst: whole(k.Burst), RateLimiter: k.RateLimiter, Reconnect: k.SupportReconnect,
	}
}
