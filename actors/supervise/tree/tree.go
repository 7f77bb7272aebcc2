// Package tree reads trees of actors: finds an actor, its links, and sums up.
package tree

import supervisev1 "receptor/proto/supervise/v1"

// Find is the actor of that path at or below a; nil if there is none.
func Find(a *supervisev1.Actor, path string) *supervisev1.Actor {
	if a.GetPath() == path {
		return a
	}
	for _, c := range a.GetChildren() {
		if found := Find(c, path); found != nil {
			return found
		}
	}
	return nil
}
