package work

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"receptor/actors/work/peer"
	"receptor/actors/work/sign"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
	"receptor/transport"
)

// session is one attempt at a task, in goroutines of a monitor. It ends with nil
// when nothing is left to try, and with an error when trying again may help.
type session struct {
	tell   tell
	dial   transport.DialStream
	dir    store.Dir
	feeds  *Feeds
	far    *farNodes
	signer func() *sign.Signer
	id     string // of the local unit
	task   *workv1.Task
}

// outputError is the local disk's no.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// run does the task and reports how that ended.
func (s *session) run(ctx context.Context) error {
	err := s.attempt(ctx)
	if ctx.Err() != nil || errors.Is(err, errStale) {
		err = nil // nobody wants to know
	}
	var output outputError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, peer.ErrUnknownUnit):
		return s.tell.noted(ctx, remoteGone())
	case errors.As(err, &output):
		return s.tell.noted(ctx, outputFailed(err))
	}
	fatal := hopeless(err)
	var refused *peer.RefusedError
	said := !s.task.GetSubmit() && errors.As(err, &refused) // to be read by a person, and may be taken back
	s.tell.send(unreachable(err, fatal || said))
	if fatal && s.task.GetSubmit() {
		return nil
	}
	return err
}

// hopeless errors are those of our own configuration.
func hopeless(err error) bool {
	text := err.Error()
	return strings.Contains(text, "CRYPTO_ERROR") || strings.HasPrefix(text, "unknown TLS config")
}

func (s *session) attempt(ctx context.Context) error {
	if s.task.GetEnd() != workv1.End_END_UNSPECIFIED {
		if err := s.end(ctx); err != nil {
			return err
		}
	}
	id := s.task.GetRemoteUnitId()
	if s.task.GetSubmit() {
		var err error
		if id, err = s.submit(ctx); err != nil || id == "" {
			return err
		}
	}
	if !s.task.GetFollow() {
		return nil
	}
	return s.follow(ctx, id)
}

func (s *session) connect(ctx context.Context) (*peer.Session, error) {
	far, err := peer.Connect(ctx, s.dial, s.task.GetNode(), s.task.GetTlsClient())
	if err == nil {
		s.sign(far)
	}
	return far, err
}

func (s *session) sign(far *peer.Session) {
	if s.task.GetSignWork() {
		far.Sign = func() (string, error) { return s.signer().Token(s.task.GetNode(), time.Now()) }
	}
}

// end cancels or releases. That the unit is gone already counts as done.
func (s *session) end(ctx context.Context) error {
	far, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer far.Close()
	if s.task.GetEnd() == workv1.End_END_RELEASE {
		err = far.Release(s.task.GetRemoteUnitId())
	} else {
		err = far.Cancel(s.task.GetRemoteUnitId())
	}
	var refused *peer.RefusedError
	switch {
	case errors.As(err, &refused):
		return s.tell.noted(ctx, remoteEnded(s.task.GetEnd(), refused.Text))
	case errors.Is(err, peer.ErrNotSupported):
		return s.tell.noted(ctx, remoteEnded(s.task.GetEnd(), err.Error()))
	case err != nil:
		return err
	}
	return s.tell.noted(ctx, remoteEnded(s.task.GetEnd(), ""))
}

// submit brings the unit to the remote node and returns its ID there; none if
// the node refused it.
func (s *session) submit(ctx context.Context) (string, error) {
	far, features, err := peer.Ask(ctx, s.dial, s.task.GetNode(), s.task.GetTlsClient())
	if err != nil {
		return "", err
	}
	defer far.Close()
	s.sign(far)
	key := ""
	if features.Has(peer.FeatureKey) {
		key = s.task.GetKey()
	}
	if id, err := s.reclaim(far, key != ""); err != nil || id != "" {
		return id, err
	}
	payload, err := os.Open(s.dir.Stdin())
	if errors.Is(err, fs.ErrNotExist) {
		return "", s.tell.noted(ctx, remoteRefused("error opening stdin file: "+err.Error()))
	}
	if err != nil {
		return "", outputError{err}
	}
	defer payload.Close()
	id := ""
	err = far.Submit(peer.Submission{
		WorkType: s.task.GetWorkType(), TLSClient: s.task.GetTlsClient(), Params: s.task.GetParams(), Payload: payload,
		Key: key,
		Created: func(made string) error {
			id = made
			return s.tell.noted(ctx, remoteCreated(made))
		},
	})
	var refused *peer.RefusedError
	if errors.As(err, &refused) {
		return "", s.tell.noted(ctx, remoteRefused(refused.Text))
	}
	if err != nil {
		return "", err
	}
	s.tell.send(remoteStarted())
	return id, nil
}

// reclaim looks for what an earlier attempt left on a node that knows no keys. If
// that has its payload it is taken over, otherwise it is released: one unit, never
// two. A node that knows the unit by its key does that by itself, and better: it
// knows whether the payload was complete, also of a unit that has failed since.
func (s *session) reclaim(far *peer.Session, keyed bool) (string, error) {
	id := s.task.GetRemoteUnitId()
	if id == "" || keyed {
		return "", nil
	}
	status, err := far.Status(id)
	switch {
	case errors.Is(err, peer.ErrUnknownUnit):
		return "", nil
	case err != nil:
		return "", err
	case unit.Adoptable(status.State, status.Detail):
		s.tell.send(remoteStarted())
		return id, nil
	}
	if err := far.Release(id); err != nil && !errors.Is(err, peer.ErrUnknownUnit) {
		return "", err
	}
	return "", nil
}
