package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"receptor/actors/work/pod"
	"receptor/actors/work/unit"
)

// overTCP has the worker connect to this node for its input and output. A connection
// does not outlive this process: a later session can only say so.
func (s *podSession) overTCP(ctx context.Context) error {
	if s.stage != unit.PodWanted || s.pod != "" {
		end := &podEnd{state: unit.Failed, stop: s.kind.kube.DeletePodOnRestart,
			detail: "Failed to restart: restart not implemented for streammethod tcp"}
		return end
	}
	l, err := listenForPod(ctx)
	if err != nil {
		return failed("Error listening: %v", err)
	}
	defer l.Close()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return failed("Error listening: %v", err)
	}
	if err := s.create(ctx, map[string]string{"RECEPTOR_HOST": host, "RECEPTOR_PORT": port}); err != nil {
		return err
	}
	return s.serve(ctx, l)
}

// listenForPod listens on the first address that others can reach.
func listenForPod(ctx context.Context) (net.Listener, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			return lc.Listen(ctx, "tcp", net.JoinHostPort(ip.IP.String(), strconv.Itoa(0)))
		}
	}
	return nil, errors.New("no network interface but the loopback has an address")
}

// serve runs the conversation while it watches the pod.
func (s *podSession) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	context.AfterFunc(ctx, func() { l.Close() })
	over := make(chan struct{})
	var state pod.State
	results := make(chan error, 2)
	go func() {
		err := s.awaitWorker(ctx, &state)
		close(over)
		results <- err
	}()
	go func() {
		results <- s.talk(ctx, l, over)
	}()
	var first error
	for range 2 {
		if err := <-results; err != nil && first == nil {
			first = err
			cancel(err)
		}
	}
	if first != nil {
		return first
	}
	return s.verdict(state, "")
}

// awaitWorker waits until the worker has ended. The limit for a pending pod holds
// until it is ready.
func (s *podSession) awaitWorker(ctx context.Context, state *pod.State) error {
	early, err := s.awaitReady(ctx)
	*state = early
	if err != nil || early.Ended {
		return err
	}
	return s.follow(ctx, func(p *corev1.Pod) (bool, error) {
		*state = (&pod.Observer{}).See(p)
		if state.Failed {
			return true, failed("Error running pod: %s", state.Reason)
		}
		return state.Ended, nil
	}, 0)
}

// talk serves one connection to its end.
func (s *podSession) talk(ctx context.Context, l net.Listener, over <-chan struct{}) error {
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a worker that ended without a connection makes none any more
		select {
		case <-over:
			if sleep(ctx, settleLimit) == nil {
				l.Close()
			}
		case <-stop:
		}
	}()
	conn, err := l.Accept()
	if err != nil {
		if ended(over) {
			return &podEnd{state: unit.Failed, detail: "Error accepting: the pod ended without a connection to this node"}
		}
		return failed("Error accepting: %v", err)
	}
	defer conn.Close()
	l.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	sent := make(chan error, 1)
	go func() { sent <- s.sendOver(ctx, conn.(*net.TCPConn), over) }()
	err = s.receive(conn)
	if err != nil {
		conn.Close()
	}
	return errors.Join(err, <-sent)
}

func (s *podSession) sendOver(ctx context.Context, conn *net.TCPConn, over <-chan struct{}) error {
	file, err := os.Open(s.dir.Stdin())
	if err != nil {
		return failed("Error opening stdin file: %v", err)
	}
	defer file.Close()
	if err := s.reach(ctx, unit.PodInput); err != nil {
		return err
	}
	s.traceInput()
	_, err = io.Copy(conn, file)
	if err == nil {
		err = conn.CloseWrite()
	}
	if err != nil {
		select { // a worker that has ended takes nothing any more, and its exit code counts
		case <-over:
			return nil
		case <-time.After(settleLimit):
			return failed("Error sending stdin to pod: %v", err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.reach(ctx, unit.PodRunning)
}

// receive takes the output until the worker closes the connection in order.
func (s *podSession) receive(conn net.Conn) error {
	out, err := openOutput(s.dir, s.Feeds, s.id, s.kind.MaxOutput)
	if err != nil {
		return failed("Error writing output: %v", err)
	}
	defer out.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if err := out.Append(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return failed("Error reading stdout from pod: %v; output may be incomplete", fmt.Errorf("after %d bytes: %w", out.Size(), err))
		}
	}
}
