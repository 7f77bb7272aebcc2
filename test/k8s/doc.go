// Package k8s runs units of work in a real Kubernetes: real daemons, a real API
// server, kubelet and container runtime. `make test-k8s` runs it, in the cluster of
// KUBECONFIG or in one that cluster.sh starts from the programs in RECEPTOR_K8S_DIR.
//
// The manifests under deploy are rolled out there, too: with the node's image that
// podman builds for a cluster of our own, or that RECEPTOR_K8S_NODE_IMAGE names.
package k8s
