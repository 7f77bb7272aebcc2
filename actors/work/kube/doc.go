// Package kube speaks to Kubernetes clusters for units of work: pods, their logs,
// their input. It decides nothing, and knows neither actors nor units. Nothing of it
// is made before the first unit needs it.
package kube
