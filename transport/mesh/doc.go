// Package mesh is the data plane: it moves datagrams between links and local
// sockets, and decides nothing. What actors decide reaches it as an immutable
// table behind an atomic pointer.
//
//	link reader ──Receive──► forward ──► Queue of the next link ──TakeBatch──► link writer
//	                            │
//	                            └──────► Socket ──ReadFrom──► QUIC, proxies, ping
//	Socket ──WriteTo──► forward; what finds the link calm is written at once
//
// A frame has one owner at a time; whoever takes it last frees it.
package mesh
