// Package web shows a node over HTTP, to those whom the configuration lets in: a
// loopback address or a Unix socket, and only to look.
//
//	/              the page
//	/metrics       figures for Prometheus
//	/healthz       200 while the node answers, 503 with the reason otherwise
//	/readyz        200 while it takes work and has its links, 503 with the reasons
//	/debug/pprof/  profiles of the process
//	/api/v1/...    snapshot, tree, links, mesh, units as JSON; events as a stream
//
// The Server is an actor of the node's; Handler is all the rest, and needs none.
package web
