package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

var (
	// ErrUnread is a worker that ended, or closed its input, before it had all of it.
	ErrUnread = errors.New("the pod did not take all of its input")
	// ErrBroken is a stream of which nobody said how it ended.
	ErrBroken = errors.New("the connection broke before the cluster confirmed the input")
)

// Attach sends the input to a container and closes it. It returns nil when all was
// sent and the cluster says so, ErrUnread when the cluster ended the stream in order
// before that, and another error when the stream broke. Sent is what was handed over;
// nothing was, and it may be tried again, as long as began is false.
//
// It takes SPDY, for which the right to create is enough, and WebSockets where
// something on the way does not let SPDY pass.
func (c *Client) Attach(ctx context.Context, namespace, pod, container string, input io.Reader) (began bool, sent int64, err error) {
	r := &counted{in: input}
	target := c.rest.Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Container: container, Stdin: true}, c.params).URL()
	err = c.attachSPDY(ctx, target, r)
	if began, _, _ = r.state(); !began && (httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)) && !neverAttached(err) {
		if other := c.attachWebSocket(ctx, target, r); other == nil || ctx.Err() == nil {
			err = other
		}
	}
	began, sent, whole := r.state()
	switch {
	case err != nil:
		return began && !neverAttached(err), sent, err
	case !whole:
		return began, sent, fmt.Errorf("%w: it has %d bytes", ErrUnread, sent)
	default:
		return began, sent, nil
	}
}

func (c *Client) attachWebSocket(ctx context.Context, target *url.URL, input io.Reader) error {
	exec, err := remotecommand.NewWebSocketExecutor(c.cfg, http.MethodGet, target.String())
	if err != nil {
		return err
	}
	return exec.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: input})
}

// statusProtocol is the first in which the cluster says how a stream ended.
const statusProtocol = "v4.channel.k8s.io"

// attachSPDY is what the library has for it, but for one thing: a connection that
// breaks without a word is an error here, and no success.
func (c *Client) attachSPDY(ctx context.Context, target *url.URL, input io.Reader) error {
	transport, upgrader, err := spdy.RoundTripperFor(c.cfg)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), nil)
	if err != nil {
		return err
	}
	conn, _, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport}, request, statusProtocol)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	status, err := open(conn, corev1.StreamTypeError)
	if err != nil {
		return err
	}
	if err := status.Close(); err != nil { // the other end writes it
		return err
	}
	stdin, err := open(conn, corev1.StreamTypeStdin)
	if err != nil {
		return err
	}
	copied := make(chan struct{})
	defer func() {
		conn.Close()
		<-copied
	}()
	go func() {
		defer close(copied)
		// What went wrong shows in what the cluster says, or in that it says nothing.
		if _, err := io.Copy(struct{ io.Writer }{stdin}, input); err == nil {
			stdin.Close()
		}
	}()
	text, err := io.ReadAll(status)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return outcome(text, err)
}

// answerError is the cluster's own word for what went wrong. That it came through
// says that nothing was wrong with the connection.
type answerError struct{ text string }

func (e *answerError) Error() string { return e.text }

// Orderly reports whether a stream was ended by the cluster, and not by the loss of
// the connection: the worker has ended, or is about to.
func Orderly(err error) bool {
	var said *answerError
	return errors.Is(err, ErrUnread) || errors.As(err, &said)
}

func open(conn httpstream.Connection, kind string) (httpstream.Stream, error) {
	headers := http.Header{}
	headers.Set(corev1.StreamType, kind)
	return conn.CreateStream(headers)
}

// outcome is what the cluster says of a stream that has ended.
func outcome(text []byte, err error) error {
	var status metav1.Status
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	case len(text) == 0:
		return ErrBroken
	case json.Unmarshal(text, &status) != nil:
		return fmt.Errorf("the cluster says: %s", text)
	case status.Status != metav1.StatusSuccess:
		return &answerError{status.Message}
	default:
		return nil
	}
}

// neverAttached knows the answer of a node that has no such container. It is text
// only, and may come after the other end has begun to take input.
func neverAttached(err error) bool {
	return strings.Contains(err.Error(), "unable to upgrade connection")
}
