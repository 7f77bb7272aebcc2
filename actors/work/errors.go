package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"receptor/actors/work/peer"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

var stderrName = filepath.Base(store.At("").Stderr())

// CopyTo writes what was opened, and closes it.
type CopyTo = func(ctx context.Context, w io.Writer) error

// OpenErrors opens what a unit wrote to standard error, from offset on; on the node
// that ran it, if that is another. With follow it ends when the unit is final. The
// function must be called once, before ctx ends.
func (f *Feeds) OpenErrors(ctx context.Context, unitID string, offset int64, follow bool) (CopyTo, error) {
	u, ok := f.find(unitID)
	if !ok {
		return nil, ErrUnknownUnit
	}
	if u.published().GetRemoteNode() == "" {
		return func(ctx context.Context, w io.Writer) error { return u.copyErrors(ctx, offset, follow, w) }, nil
	}
	f.mu.RLock()
	far := f.farErrors
	f.mu.RUnlock()
	r, err := u.dir.Read()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read unit %s: %w", unitID, err)
	case far == nil || r.Remote == nil:
		return nil, fmt.Errorf("unit %s: its node can't be asked now", unitID)
	case r.Remote.RemoteUnitID == "":
		return nil, fmt.Errorf("unit %s has not come to node %s yet", unitID, r.Remote.RemoteNode)
	}
	return far(ctx, r.Remote, offset, follow)
}

// askFar says how other nodes are asked for standard error.
func (f *Feeds) askFar(ask func(context.Context, *unit.RemoteData, int64, bool) (CopyTo, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.farErrors = ask
}

func (u *feed) copyErrors(ctx context.Context, offset int64, follow bool, w io.Writer) error {
	c := &copier{path: u.dir.Stderr(), w: w, at: offset}
	defer c.close()
	for {
		s, released, changed := u.look()
		if released {
			return ErrReleased
		}
		if err := c.copy(); err != nil {
			return err
		}
		if !follow || unit.State(s.State).Final() {
			return nil
		}
		if err := waitFor(ctx, changed); err != nil {
			return err
		}
	}
}

// openFarErrors asks the node that runs the unit for us.
func (f *family) openFarErrors(ctx context.Context, r *unit.RemoteData, offset int64, follow bool) (CopyTo, error) {
	far, err := peer.Connect(ctx, f.Dial, r.RemoteNode, r.TLSClient)
	if err != nil {
		return nil, fmt.Errorf("connect to node %s: %w", r.RemoteNode, err)
	}
	if r.SignWork {
		far.Sign = func() (string, error) { return f.terms().signer.Token(r.RemoteNode, time.Now()) }
	}
	if err := far.OpenErrors(r.RemoteUnitID, offset, follow); err != nil {
		far.Close()
		if errors.Is(err, peer.ErrNotSupported) {
			return nil, fmt.Errorf("node %s does not keep standard error apart: its version puts it into the output", r.RemoteNode)
		}
		return nil, fmt.Errorf("standard error of unit %s on node %s: %w", r.RemoteUnitID, r.RemoteNode, err)
	}
	return func(ctx context.Context, w io.Writer) error {
		defer context.AfterFunc(ctx, far.Close)()
		defer far.Close()
		return far.CopyTo(w)
	}, nil
}
