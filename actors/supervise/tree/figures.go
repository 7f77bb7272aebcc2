package tree

import (
	"cmp"
	"slices"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// Links collects the links at and below an actor. One that is down does not answer:
// its dialer says what it is, and the record why it is down.
func Links(a *supervisev1.Actor) []*inspectv1.Link {
	var list []*inspectv1.Link
	var walk func(a *supervisev1.Actor, above *inspectv1.Link)
	walk = func(a *supervisev1.Actor, above *inspectv1.Link) {
		own := a.GetDescription().GetLink()
		if a.GetKind() == "link" {
			list = append(list, linkOf(a, own, above))
			return
		}
		for _, c := range a.GetChildren() {
			walk(c, own)
		}
	}
	walk(a, nil)
	return list
}

// linkOf is a link as it says itself, or as its dialer and its record say.
func linkOf(a *supervisev1.Actor, own, dialer *inspectv1.Link) *inspectv1.Link {
	l := own
	if l == nil {
		l = &inspectv1.Link{Backend: dialer.GetBackend(), Neighbour: dialer.GetNeighbour(), Cost: dialer.GetCost()}
	}
	l.Path, l.Restarts = a.GetPath(), a.GetRestarts()
	if a.GetState() != supervisev1.State_STATE_RUNNING {
		l.State, l.Failure, l.NextTry = inspectv1.LinkState_LINK_STATE_DOWN, a.GetLastFailure(), a.GetNextTry()
	}
	return l
}

// Totals sums up the actors by kind.
func Totals(root *supervisev1.Actor) []*inspectv1.ActorTotals {
	kinds := map[string]*inspectv1.ActorTotals{}
	var walk func(a *supervisev1.Actor)
	walk = func(a *supervisev1.Actor) {
		t, ok := kinds[a.GetKind()]
		if !ok {
			t = &inspectv1.ActorTotals{Kind: a.GetKind()}
			kinds[a.GetKind()] = t
		}
		count(t, a)
		for _, c := range a.GetChildren() {
			walk(c)
		}
	}
	walk(root)
	list := make([]*inspectv1.ActorTotals, 0, len(kinds))
	for _, t := range kinds {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *inspectv1.ActorTotals) int { return cmp.Compare(a.GetKind(), b.GetKind()) })
	return list
}

func count(t *inspectv1.ActorTotals, a *supervisev1.Actor) {
	switch a.GetState() {
	case supervisev1.State_STATE_RESTARTING:
		t.Restarting++
	case supervisev1.State_STATE_STOPPING:
		t.Stopping++
	default:
		t.Running++
	}
	depth := uint64(max(a.GetMailboxDepth(), 0))
	t.Restarts += a.GetRestarts()
	t.Mailbox += depth
	t.MailboxMax = max(t.MailboxMax, depth)
	t.Messages += a.GetActivity().GetMessages()
	if oldest := a.GetActivity().GetOldest(); oldest.AsDuration() > t.GetOldest().AsDuration() {
		t.Oldest = oldest
	}
}
