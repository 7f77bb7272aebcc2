// Package k8s runs units of work in a real Kubernetes: real daemons, a real API
// server, kubelet and container runtime. `make test-k8s` runs it, in the cluster of
// KUBECONFIG or in one that cluster.sh starts from the programs in RECEPTOR_K8S_DIR.
package k8s
