package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that demands a certificate says so in an alert, after the handshake.
func TestAServerThatWantsACertificateIsUnderstood(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		ClientAuth: tls.RequireAnyClientCert, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if err := conn.(*tls.Conn).Handshake(); err == nil {
			t.Error("the server accepted a client without a certificate")
		}
		// Closing with unread bytes would reset the connection and take the alert along.
		_ = conn.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite()
		_, _ = conn.(*tls.Conn).NetConn().Read(make([]byte, 1))
		_ = conn.Close()
	}()
	got := runCtl(t.Context(), strings.NewReader(""), "--socket", "tls://"+l.Addr().String(), "--insecureskipverify", "version")
	if !strings.HasPrefix(got.err, "ERROR: remote error: tls: certificate required\n") || !strings.Contains(got.err, "--cert") || got.code != 1 {
		t.Errorf("got %+v", got)
	}
	_ = l.Close()
	<-done
}

func TestReasonLeavesOutTheAddress(t *testing.T) {
	got := runCtl(t.Context(), strings.NewReader(""), "--socket", "tcp://127.0.0.1:1", "status")
	got.want(t, "", "ERROR: Could not connect to host 127.0.0.1 port 1\nconnect: connection refused\n", 1)
}

// A node that has too many clients closes at once, in a flood without a word.
func TestASocketThatClosesAtOnceIsExplained(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			_ = conn.Close()
		}
	}()
	got := runCtl(t.Context(), strings.NewReader(""), "--socket", "tcp://"+l.Addr().String(), "status")
	if !strings.HasPrefix(got.err, "ERROR: Failed to connect to Receptor socket\n") || !strings.Contains(got.err, "too many clients") || got.code != 1 {
		t.Errorf("got %+v", got)
	}
	_ = l.Close()
	<-done
}

func TestAFileThatIsNoSocket(t *testing.T) {
	folder := t.TempDir()
	got := runCtl(t.Context(), strings.NewReader(""), "--socket", folder, "status")
	got.want(t, "", "ERROR: [Errno 111] Connection refused\n"+folder+" is not a socket: name the file of the node's control-service.\n", 1)
}
