// Package work keeps units of work: local ones, whose command runs here, remote ones,
// which another node runs for us, and those that a pod in a Kubernetes cluster does.
//
//	work               supervisor; loads all units, admits new ones, forwards commands to units
//	├── watch *        one per node that runs units for us: a stream on which it pushes their states
//	├── unit *         a local unit: starts, watches and ends a runner; none once it is final
//	├── unit *         a remote unit: remembers what is to be done on the other node
//	│   └── monitor    one session at a time with that node; restarted with backoff
//	├── unit *         a unit that a pod does: remembers how far the pod is
//	│   └── monitor    one session at a time with the cluster; restarted with backoff
//	└── sweeper        deletes pods of this node whose units are gone; none without such work
//
// A unit is at most one actor, and the only writer of its status while no runner
// lives. Decisions are made in package unit, which is pure; store is the disk,
// process and runner are the local side, peer is the conversation with the other
// node, kube the one with a cluster, and pod, which is pure, what there is to know of
// pods and their logs. Readers of status and output follow Feeds and never pass a mailbox.
package work
