// Package netns tests real daemons on networks that misbehave: hosts are network
// namespaces on a bridge, or on a switch in user space where delay matters. The
// tests need root, iproute2 and nft, and skip without; all they make lives in
// namespaces that end with the test program.
package netns
