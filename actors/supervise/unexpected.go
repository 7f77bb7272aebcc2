package supervise

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
)

// Unexpected logs a message that no case of a Receive names: a bug, unless it is
// one of the library's own.
func Unexpected(ctx actor.Context) {
	switch ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage, *actor.DeadLetterResponse:
		return
	}
	ctx.Logger().Error("unexpected message", "actor", ctx.Self().GetId(), "message", fmt.Sprintf("%T", ctx.Message()))
}
