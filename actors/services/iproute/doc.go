// Package iproute is the thinking of an IP router: which networks there are, who
// leads to an address, what is a packet at all. It is pure.
//
// A node tells of its networks by the tags of an advertisement:
//
//	type         IP Router
//	network      name of the network; only routers of the same one talk
//	route_local  the /30 of its tun device
//	route_0 ...  networks behind it
package iproute
