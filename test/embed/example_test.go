// Package embed shows how a program runs nodes of its own.
package embed

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/node"
	"receptor/transport/mesh"
)

// Two nodes in one process, joined over TCP on the loopback interface.
func Example() {
	dir, err := os.MkdirTemp("", "embed")
	check(err)
	defer os.RemoveAll(dir)
	rules := node.LinkRules{Cost: 1, AnyPeer: true}

	hub, err := node.Start(node.Config{
		ID: "hub", DataDir: dir,
		TCPListeners: []node.TCPListener{{Addr: "127.0.0.1:0", LinkRules: rules}},
	}, zerolog.Nop())
	check(err)
	defer stop(hub)
	edge, err := node.Start(node.Config{
		ID: "edge", DataDir: dir,
		TCPPeers: []node.TCPPeer{{Addr: hub.ListenAddrs()[0], Redial: true, LinkRules: rules}},
	}, zerolog.Nop())
	check(err)
	defer stop(edge)

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	check(edge.WaitForRoute(ctx, "hub"))
	fmt.Println("ping:", edge.Ping(ctx, "hub").From)

	// A stream: a service on the hub, dialled from the edge.
	greetings, err := hub.Listen("greet")
	check(err)
	defer greetings.Close()
	go func() {
		c, err := greetings.Accept()
		check(err)
		_, err = io.WriteString(c, "hello from the hub")
		check(err)
		check(c.Close())
	}()
	c, err := edge.Dial(ctx, "hub", "greet")
	check(err)
	text, err := io.ReadAll(c)
	check(err)
	check(c.Close())
	fmt.Println("stream:", string(text))

	// Datagrams, which may get lost on other networks than this.
	inbox, err := hub.ListenPacket("inbox")
	check(err)
	defer inbox.Close()
	outbox, err := edge.ListenPacket("outbox")
	check(err)
	defer outbox.Close()
	_, err = outbox.WriteTo([]byte("a datagram"), mesh.Addr{Node: "hub", Service: "inbox"})
	check(err)
	b := make([]byte, 100)
	n, from, err := inbox.ReadFrom(b)
	check(err)
	fmt.Printf("datagram from %s: %s\n", from, b[:n])

	// Output:
	// ping: hub
	// stream: hello from the hub
	// datagram from edge:outbox: a datagram
}

func stop(n *node.Node) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(n.Stop(ctx))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
