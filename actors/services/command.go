package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"receptor/actors/services/terminal"
	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
	"receptor/transport/bridge"
)

// screenful is how much is copied at once between a client and a terminal.
const screenful = 32 << 10

// runCommand serves a client by running a program for it, and is over when the
// program is, or when the client breaks off. The client's end of input becomes
// that of the terminal.
func runCommand(ctx context.Context, argv []string, client transport.StreamConn, trace bridge.Trace) (servicesv1.End, error) {
	term, err := terminal.Start(argv)
	if err != nil {
		client.Close()
		return servicesv1.End_END_REFUSED, fmt.Errorf("start %s: %w", argv[0], err)
	}
	breakOff := func() {
		bridge.Abort(client)
		term.Close()
	}
	interrupt := context.AfterFunc(ctx, breakOff)
	defer interrupt()
	name, program := bridge.NameOf(client), argv[0]
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		if err := feed(ctx, term, client, bridge.NewDirection(trace, name, program)); err != nil {
			breakOff()
		}
	}()
	left := whenLeft(client, breakOff)
	err = show(client, term, bridge.NewDirection(trace, program, name))
	left() // the end of our own writing looks like a client that reads no more
	if err == nil {
		err = client.CloseWrite()
	}
	if err != nil {
		breakOff()
	}
	client.Close() // wakes the typing goroutine
	<-typed
	term.Close() // waits if another has begun it
	if err != nil {
		return servicesv1.End_END_LOST, err
	}
	return servicesv1.End_END_CLOSED, term.Exit()
}

// whenLeft calls do when the client reads no more; a program that says nothing would
// never notice. stop ends that.
func whenLeft(client transport.StreamConn, do func()) (stop func()) {
	u, ok := client.(bridge.Unreader)
	if !ok {
		return func() {}
	}
	stopped := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-u.Unread():
			do()
		case <-stopped:
		}
	})
	return func() {
		close(stopped)
		watch.Wait()
	}
}

// feed types what the client sends. Its error is a client that broke off; a
// program that reads no more is none.
func feed(ctx context.Context, term *terminal.Terminal, client transport.StreamConn, told bridge.Direction) error {
	told.Begin()
	defer told.End()
	buf := make([]byte, screenful)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			if _, werr := term.Write(buf[:n]); werr != nil {
				return nil // the program is gone, and the reader of its output tells
			}
			told.Copied(n)
		}
		if errors.Is(err, io.EOF) {
			_ = term.EndInput(ctx) // fails when the program is gone
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// show delivers all output.
func show(client transport.StreamConn, term *terminal.Terminal, told bridge.Direction) error {
	told.Begin()
	defer told.End()
	buf := make([]byte, screenful)
	for {
		n, err := term.Read(buf)
		if n > 0 {
			if _, werr := client.Write(buf[:n]); werr != nil {
				return fmt.Errorf("write to %s: %w", client.RemoteAddr(), werr)
			}
			told.Copied(n)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the terminal: %w", err)
		}
	}
}
