package wire

import (
	"encoding/json"
	"time"
)

// Reject is the whole message that ends a link.
var Reject = []byte("\x03[]")

// RejectFor is Reject that also says for how long there is no point in coming again,
// and that the connection stays open until then; when its end comes earlier there is
// one: [milliseconds, 1]. Other implementations never look at the body.
func RejectFor(span time.Duration) []byte {
	if span <= 0 {
		return Reject
	}
	// Rounded up: who comes too early is rejected again.
	body, err := json.Marshal([]int64{int64((span + time.Millisecond - 1) / time.Millisecond), staysOpen})
	if err != nil {
		return Reject // numbers can be written
	}
	return append([]byte{TypeReject}, body...)
}

const staysOpen = 1

// maxRejected bounds what a neighbour can ask for.
const maxRejected = 24 * time.Hour

// RejectedFor is for how long there is no point in coming again after that message;
// zero if it does not say so.
func RejectedFor(msg []byte) time.Duration {
	var spans []int64
	if decode(TypeReject, msg, &spans) != nil || len(spans) != 2 || spans[1] != staysOpen || spans[0] <= 0 {
		return 0
	}
	if spans[0] > maxRejected.Milliseconds() {
		return maxRejected
	}
	return time.Duration(spans[0]) * time.Millisecond
}
