package supervise

import (
	"github.com/asynkron/protoactor-go/actor"
	cmap "github.com/orcaman/concurrent-map"
)

// NewSystem returns an actor system for one node. The library keeps the names of actors
// in 1024 maps of 32 parts each, which come to 12 MB as they are touched, one after the
// other, by actors that are long gone; one of them is enough for any number of
// processors.
func NewSystem(options ...actor.ConfigOption) *actor.ActorSystem {
	system := actor.NewActorSystem(options...)
	names := cmap.New()
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(names.Set)
	}
	system.ProcessRegistry.LocalPIDs = &actor.SliceMap{LocalPIDs: []cmap.ConcurrentMap{names}}
	return system
}
