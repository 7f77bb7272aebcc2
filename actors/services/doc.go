// Package services joins services of the mesh with sockets, programs and networks
// of this machine.
//
//	services                supervisor; restarts its children with Backoff
//	├── proxy *             one per configured server, client or command; owns a socket
//	│   ├── connection *    one per client of a stream proxy; never restarted
//	│   └── association *   one per client of a UDP proxy; ends when it is idle
//	└── ip-router *         one per IP network; owns a tun device
//
// A server listens on this machine and leads to the mesh, a client listens on the
// mesh and leads to this machine: the same proxy with its ends exchanged.
//
//	tcp-server, unix-socket-server   socket   ──►  stream of the mesh
//	tcp-client, unix-socket-client   service  ──►  socket
//	command-service                  service  ──►  program on a terminal
//	udp-server                       socket   ──►  a socket of the mesh per client
//	udp-client                       service  ──►  a UDP socket per client
//	ip-router                        device   ◄─►  service of the same name elsewhere
//
// End of input on one side of a stream becomes end of input on the other. A client
// whose far end is missing is closed at once, with one warning that names the cause.
package services
