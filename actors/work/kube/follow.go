package kube

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// watchPause is between watches that the server ends; it may end them at any time.
	watchPause = 200 * time.Millisecond
	// resyncEvery bounds how long a silent watch is believed.
	resyncEvery = time.Minute
)

// Follow calls each with the pod as it is, and whenever it changes, until each says
// that it has seen enough. A pod that is gone is a not-found error.
func (c *Client) Follow(ctx context.Context, namespace, name string, each func(*corev1.Pod) (enough bool, err error)) error {
	for {
		p, err := c.Pod(ctx, namespace, name)
		if err != nil {
			return err
		}
		if enough, err := each(p); enough || err != nil {
			return err
		}
		enough, err := c.followWatch(ctx, p, each)
		if enough || err != nil {
			return err
		}
		if err := pause(ctx, watchPause); err != nil {
			return err
		}
	}
}

// followWatch is one watch; that it ends means nothing.
func (c *Client) followWatch(ctx context.Context, p *corev1.Pod, each func(*corev1.Pod) (bool, error)) (enough bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, resyncEvery)
	defer cancel()
	w, err := c.watch(ctx, p.Namespace, p.Name, p.ResourceVersion)
	if err != nil {
		return false, nil // asking for the pod tells whether that matters
	}
	defer w.Stop()
	for {
		select {
		case e, ok := <-w.ResultChan():
			if !ok || e.Type == watch.Error || e.Type == watch.Deleted {
				return false, nil
			}
			if p, is := e.Object.(*corev1.Pod); is && e.Type != watch.Bookmark {
				if enough, err := each(p); enough || err != nil {
					return enough, err
				}
			}
		case <-ctx.Done():
			return false, nil
		}
	}
}

// LogRequest is one stream of a container's log.
type LogRequest struct {
	Namespace, Pod, Container string
	Follow                    bool
	Stamps                    bool  // each line begins with its time stamp
	Since                     int64 // seconds since 1970; 0: from the beginning
	Limit                     int64 // bytes; 0: all
}

// Log opens a stream.
func (c *Client) Log(ctx context.Context, r LogRequest) (io.ReadCloser, error) {
	opts := corev1.PodLogOptions{Container: r.Container, Follow: r.Follow, Timestamps: r.Stamps}
	if r.Since > 0 {
		since := metav1.Unix(r.Since, 0)
		opts.SinceTime = &since
	}
	if r.Limit > 0 {
		opts.LimitBytes = &r.Limit
	}
	return c.rest.Get().Namespace(r.Namespace).Resource("pods").Name(r.Pod).SubResource("log").
		VersionedParams(&opts, c.params).Stream(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Gone reports whether an error says that there is no such pod.
func Gone(err error) bool { return apierrors.IsNotFound(err) }

// Exists reports whether an error says that there is such a pod already.
func Exists(err error) bool { return apierrors.IsAlreadyExists(err) }

// Refused reports whether asking again is of little use: the server has understood,
// and says no.
func Refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		apierrors.IsRequestEntityTooLargeError(err)
}

// Text is an error as a unit's detail shows it.
func Text(err error) string { return fmt.Sprint(err) }
