package harness

import "context"

// Actor is the part of the `tree` of actors that tests look at.
type Actor struct {
	Path, Kind, State string
	Restarts          uint64 `json:",string"`
	LastFailure       string
	Children          []Actor
}

// Tree asks for the actors of a node that runs with --debug.
func (n *Node) Tree(ctx context.Context) (Actor, error) {
	var tree struct{ Actor Actor }
	err := n.AskJSON(ctx, "tree", &tree)
	return tree.Actor, err
}

// Each calls do for this actor and all below it.
func (a Actor) Each(do func(Actor)) {
	do(a)
	for _, child := range a.Children {
		child.Each(do)
	}
}
