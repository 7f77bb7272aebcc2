package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/tools/remotecommand"
)

// ErrUnread is a worker that ended, or closed its input, before it had all of it.
var ErrUnread = errors.New("the pod did not take all of its input")

// Attach sends the input to a container and closes it. It returns nil when all was
// sent and the cluster says so, ErrUnread when the cluster ended the stream in order
// before that, and another error when the stream broke. Sent is what was handed over;
// nothing was, and it may be tried again, as long as began is false.
func (c *Client) Attach(ctx context.Context, namespace, pod, container string, input io.Reader) (began bool, sent int64, err error) {
	r := &counted{in: input}
	exec, err := c.executor(namespace, pod, container)
	if err != nil {
		return false, 0, err
	}
	err = exec.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: r})
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

// neverAttached knows the answers of nodes that have no such container running: of
// the kubelet, of containerd and of CRI-O. They come as text, and after the other end
// has begun to take input.
func neverAttached(err error) bool {
	for _, answer := range []string{
		"unable to upgrade connection", "container is in CONTAINER_EXITED state", "container is not created or running",
	} {
		if strings.Contains(err.Error(), answer) {
			return true
		}
	}
	return false
}

// executor takes SPDY, for which the right to create is enough, and WebSockets where
// something on the way does not let SPDY pass.
func (c *Client) executor(namespace, pod, container string) (remotecommand.Executor, error) {
	url := c.rest.Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Container: container, Stdin: true}, c.params).URL()
	spdy, err := remotecommand.NewSPDYExecutor(c.cfg, "POST", url)
	if err != nil {
		return nil, err
	}
	ws, err := remotecommand.NewWebSocketExecutor(c.cfg, "GET", url.String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(spdy, ws, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}
