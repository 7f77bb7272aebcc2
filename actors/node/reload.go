package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"receptor/actors/control/command"
	"receptor/actors/node/change"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// reconcileTimeout is how long a family may take to start and stop what it should.
const reconcileTimeout = 30 * time.Second

// ErrNoReread is a node whose configuration can't be read again.
var ErrNoReread error = command.ErrNoReload

var errEnded = errors.New("the node has ended")

// FixedError is a change that a running node can't make.
type FixedError struct{ Text string }

func (e *FixedError) Error() string { return e.Text }

// Reload reads the configuration again, and makes the node as it says. With dryRun
// it only says what it would do. On an error the node is as it was.
func (n *Node) Reload(ctx context.Context, dryRun bool) ([]change.Step, error) {
	if n.plan.reload == nil {
		return nil, ErrNoReread
	}
	type result struct {
		steps []change.Step
		err   error
	}
	done := make(chan result, 1)
	go func() { // goes on without the one who asked: half a change is none
		var r result
		cfg, err := n.reread(dryRun)
		if r.err = err; err == nil {
			r.steps, r.err = n.Change(cfg, dryRun)
		}
		if !dryRun {
			n.plan.tellReload(r.err)
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.steps, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reread asks whoever made the configuration that is in force.
func (n *Node) reread(dryRun bool) (Config, error) {
	n.changing.Lock()
	reread := n.plan.cfg.Reread
	n.changing.Unlock()
	return reread(dryRun)
}

// Change makes the node what another configuration says. What is the same in both is
// not touched: links, streams and units go on. With dryRun it only says what it would
// do. On an error the node is as it was. What belongs to the process and its environment
// is that of Start: Version, Runner, RunnerProgram, Levels, QlogDir, PayloadTrace.
func (n *Node) Change(cfg Config, dryRun bool) ([]change.Step, error) {
	select {
	case <-n.started:
	case <-n.done:
		return nil, errEnded
	}
	n.changing.Lock()
	defer n.changing.Unlock()
	cfg, err := cfg.completed()
	if err != nil {
		return nil, err
	}
	t, err := n.plan.prepare(cfg)
	if err != nil {
		return nil, err
	}
	if dryRun {
		n.plan.closePieces(t.opened)
		return t.steps, nil
	}
	if err := n.apply(t); err != nil {
		return nil, err
	}
	return t.steps, nil
}

// Diff says what a node of one configuration has to do to become one of another. That is
// pure: whether it can be done shows when it is. A *FixedError is a change that needs a
// restart.
func (c Config) Diff(to Config) ([]change.Step, error) {
	if err := c.fixed(to); err != nil {
		return nil, err
	}
	old, err := c.parts()
	if err != nil {
		return nil, err
	}
	wanted, err := to.parts()
	if err != nil {
		return nil, err
	}
	return change.Between(items(old), items(wanted)), nil
}

// fixed says what can't change while the node runs.
func (c Config) fixed(to Config) error {
	var what string
	switch {
	case c.ID != to.ID:
		what = fmt.Sprintf("id is %s and would become %s", c.ID, to.ID)
	case c.DataDir != to.DataDir:
		what = fmt.Sprintf("datadir is %s and would become %s", c.DataDir, to.DataDir)
	default:
		return nil
	}
	return &FixedError{"a non-reloadable config action 'node' was modified or added: " + what +
		". Must restart receptor for these changes to take effect"}
}

// apply brings a transition about. Who has to go goes first; then what could not be
// opened before is opened; then the rest begins.
func (n *Node) apply(t *transition) error {
	p := n.plan
	if len(t.gone) > 0 {
		p.publish(t.stay)
		if err := n.reconcile(familyLinks, familyServices, familyControl, familyWeb); err != nil {
			return n.rollBack(t, err)
		}
	}
	before := newEmptyStore(p.cfg, p.log)
	before.Become(p.store)
	p.store.Become(t.tls)
	for _, made := range t.late {
		if err := made.open(); err != nil {
			p.store.Become(before)
			return n.rollBack(t, err)
		}
		t.opened = append(t.opened, made)
	}
	p.commit(t)
	n.system.Root.Send(n.family(familyRouter), &routerv1.SetWorkCommands{Commands: p.cfg.workOffers()})
	if err := n.reconcile(familyWork, familyLinks, familyServices, familyControl, familyWeb); err != nil {
		return fmt.Errorf("the new configuration is in force, but not everything has confirmed it: %w", err)
	}
	return nil
}

// rollBack starts again what was stopped, after a change that failed half-way.
func (n *Node) rollBack(t *transition, why error) error {
	p := n.plan
	p.closePieces(t.opened)
	var errs []error
	for _, made := range t.gone {
		if err := made.open(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", made.part.Key, err)) // its actor tries again
		}
	}
	p.publish(p.pieces)
	errs = append(errs, n.reconcile(familyLinks, familyServices, familyControl, familyWeb))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w; going back to the configuration before: %w", why, err)
	}
	return why
}

func (n *Node) reconcile(families ...string) error {
	var errs []error
	for _, name := range families {
		answer := n.system.Root.RequestFuture(n.family(name), &supervisev1.Reconcile{}, reconcileTimeout)
		if err := answer.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// reloadForClient is Reload in the words of the control service.
func (n *Node) reloadForClient(ctx context.Context, dryRun bool) ([]command.Change, error) {
	steps, err := n.Reload(ctx, dryRun)
	var fixed *FixedError
	if errors.As(err, &fixed) {
		err = &command.ReloadError{Code: command.ReloadNeedsRestart, Text: err.Error()}
	}
	var changes []command.Change
	for _, s := range steps {
		if s.Do != change.Keep {
			changes = append(changes, command.Change{Action: string(s.Do), Item: s.Key, Why: s.Why})
		}
	}
	return changes, err
}
