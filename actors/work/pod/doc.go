// Package pod is what there is to know about a pod that does a unit of work: how it
// is described, what its status means, and how the pieces of its log join to one
// output. It is pure; package kube speaks to the cluster.
package pod
