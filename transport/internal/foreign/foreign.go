// Package foreign runs an existing node beside the tests of a transport.
package foreign

import (
	"bytes"
	"testing"
	"time"

	"receptor/test/foreign"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/authority"
	"receptor/transport/wire"
)

const (
	ours, theirs = "ours", "theirs"
	patience     = 30 * time.Second
)

// Start runs the binary that RECEPTOR_PEER names, as a node with the given
// actions, until the end of the test. Without one it skips the test.
func Start(t *testing.T, actions ...string) {
	t.Helper()
	foreign.Start(t, theirs, actions...)
}

// Call dials until the node answers, and returns a connection it knows.
func Call(t *testing.T, d transport.Dialer) transport.Conn {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-again.C {
		conn, err := d.Dial(t.Context())
		if err != nil {
			continue
		}
		if err := introduce(conn); err == nil {
			return conn
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Fatalf("%s was not answered within %v", d.Name(), patience)
	return nil
}

// Answer accepts the node's connection and introduces itself.
func Answer(t *testing.T, l transport.Listener) transport.Conn {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := introduce(conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

// introduce exchanges the first routing updates.
func introduce(conn transport.Conn) error {
	if err := send(conn, update(1, nil)); err != nil {
		return err
	}
	return await(conn, func(u wire.RoutingUpdate) bool { return u.ForwardingNode == theirs })
}

// Meet becomes a neighbour of the node, and has it send messages of many lengths
// back and forth.
func Meet(t *testing.T, conn transport.Conn) {
	t.Helper()
	guard := time.AfterFunc(patience, func() {
		t.Error("the conversation took too long")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	defer guard.Stop()
	if err := send(conn, update(2, map[string]float64{theirs: 1})); err != nil {
		t.Fatal(err)
	}
	if err := await(conn, func(u wire.RoutingUpdate) bool { return u.Connections[ours] == 1 }); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 1200, 4096, 10000, 20000, 60000} {
		echo(t, conn, n)
	}
}

// echo sends n bytes of data to ourselves, by way of the node, until they are back:
// the node may not have its route to us yet.
func echo(t *testing.T, conn transport.Conn, n int) {
	t.Helper()
	msg := append(make([]byte, wire.HeaderLen), bytes.Repeat([]byte{byte(n % 251)}, n)...)
	hash := wire.NodeHash(ours)
	header := wire.Header{HopsToLive: 9, From: hash, To: hash}
	header.Put(msg)
	stop := keepSending(t, conn, msg)
	defer stop()
	for {
		f, err := conn.ReadFrame()
		if err != nil {
			t.Fatalf("waiting for %d bytes: %v", n, err)
		}
		if f.Len() == len(msg) && f.Bytes()[0] == wire.TypeData {
			if !bytes.Equal(f.Bytes()[wire.HeaderLen:], msg[wire.HeaderLen:]) {
				t.Errorf("%d bytes came back as others", n)
			}
			return
		}
	}
}

// keepSending sends a message again and again until stop is called.
func keepSending(t *testing.T, conn transport.Conn, msg []byte) (stop func()) {
	t.Helper()
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		for {
			if err := send(conn, msg); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-again.C:
			case <-over:
				return
			}
		}
	}()
	return func() { close(over); <-done }
}

func update(seq uint64, conns map[string]float64) []byte {
	if conns == nil {
		conns = map[string]float64{}
	}
	msg, err := wire.RoutingUpdate{
		NodeID: ours, UpdateID: "abcdefg" + string(rune('0'+seq)), UpdateEpoch: 1, UpdateSequence: seq,
		Connections: conns, ForwardingNode: ours,
	}.Encode()
	if err != nil {
		panic(err)
	}
	return msg
}

func send(conn transport.Conn, msg []byte) error {
	return conn.WriteFrames([]*frame.Buf{frame.Copy(msg)})
}

// await reads until a routing update is the one.
func await(conn transport.Conn, ok func(wire.RoutingUpdate) bool) error {
	for {
		f, err := conn.ReadFrame()
		if err != nil {
			return err
		}
		if f.Len() == 0 || f.Bytes()[0] != wire.TypeRoutingUpdate {
			continue
		}
		if u, err := wire.DecodeRoutingUpdate(f.Bytes()); err != nil || ok(u) {
			return err
		}
	}
}

// ServerTLS are the actions that name a config "tls" for the node's listeners,
// which wants certificates of its clients.
func ServerTLS(t *testing.T, ca *authority.Authority) []string {
	cert, key, pool := ca.Files(t, theirs)
	return []string{
		"--tls-server", "name=tls", "cert=" + cert, "key=" + key, "clientcas=" + pool, "requireclientcert=true",
		"skipreceptornamescheck=true",
	}
}

// ClientTLS are the actions that name a config "tls" for the node's dialers, which
// have a certificate.
func ClientTLS(t *testing.T, ca *authority.Authority) []string {
	cert, key, pool := ca.Files(t, theirs)
	return []string{
		"--tls-client", "name=tls", "cert=" + cert, "key=" + key, "rootcas=" + pool, "skipreceptornamescheck=true",
	}
}
