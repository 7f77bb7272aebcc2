package supervise

import "github.com/asynkron/protoactor-go/actor"

// Finish ends the calling actor after this message, as Fail with CauseDone does,
// but without a panic and a decision of its supervisor: for actors that come and go
// by the thousand.
func Finish(ctx actor.Context) { ctx.Stop(ctx.Self()) }
