package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/blackbox/harness"
)

// showTree wants the redial to be what the design says: the restart of an actor
// by its supervisor, with the failure on record.
func (d *demo) showTree(ctx context.Context) error {
	for _, n := range []*harness.Node{d.a, d.c} {
		link, err := d.restartedLink(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.ID, err)
		}
		d.say("%s: %s is %s after %d restart(s); its last failure: %s", strings.ToUpper(n.ID), link.GetPath(),
			strings.ToLower(strings.TrimPrefix(link.GetState().String(), "STATE_")), link.GetRestarts(), link.GetLastFailure())
	}
	text, err := d.ctl(ctx, d.a, "tree")
	if err != nil {
		return err
	}
	d.say("$ receptorctl tree")
	d.show(text)
	return nil
}

// restartedLink is the actor of the link to B as its supervisor has it on record.
func (d *demo) restartedLink(ctx context.Context, n *harness.Node) (*supervisev1.Actor, error) {
	text, err := d.ctl(ctx, n, "tree", "--json")
	if err != nil {
		return nil, err
	}
	tree := &supervisev1.Tree{}
	if err := protojson.Unmarshal([]byte(text), tree); err != nil {
		return nil, err
	}
	link := findKind(tree.GetActor(), "link")
	switch {
	case link == nil:
		return nil, errors.New("no link in the tree")
	case link.GetState() != supervisev1.State_STATE_RUNNING:
		return nil, fmt.Errorf("%s is %s", link.GetPath(), link.GetState())
	case link.GetRestarts() == 0 || link.GetLastFailure() == "":
		return nil, fmt.Errorf("%s has no restart on record: %v", link.GetPath(), link)
	}
	return link, nil
}

// findKind is the first actor of a kind, depth first.
func findKind(a *supervisev1.Actor, kind string) *supervisev1.Actor {
	if a.GetKind() == kind {
		return a
	}
	for _, child := range a.GetChildren() {
		if found := findKind(child, kind); found != nil {
			return found
		}
	}
	return nil
}
