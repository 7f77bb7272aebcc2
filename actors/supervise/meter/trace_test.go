package meter

import (
	"maps"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise/events"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// Numbers are told as they are, whatever their sign and size: those that only an
// unsigned one holds in words.
func TestTraceTellsNumbersAsTheyAre(t *testing.T) {
	journal := events.New(8)
	trace := NewTrace(journal, "node/router", 100, time.Hour)
	for _, c := range []struct {
		message proto.Message
		want    map[string]any
	}{
		{&supervisev1.RestartDue{Child: "node/links", Failure: math.MaxUint64}, map[string]any{"child": "node/links", "failure": "18446744073709551615"}},
		{&supervisev1.RestartDue{Failure: 1 << 63}, map[string]any{"failure": "9223372036854775808"}},
		{&linksv1.TakeDown{ForMs: math.MinInt64}, map[string]any{"for_ms": int64(math.MinInt64)}},
		{&linksv1.TakeDown{ForMs: -5, Text: "secret"}, map[string]any{"for_ms": int64(-5), "text": "6 characters"}},
		{&routerv1.LinkUp{Node: "b", Cost: -1.5}, map[string]any{"node": "b", "cost": -1.5}},
	} {
		trace.tell(c.message, "", time.Now())
		told := journal.Recent(journal.Last() - 1)
		got := map[string]any{}
		for _, f := range told[len(told)-1].GetMessageTraced().GetFields() {
			if f.GetText() != "" {
				got[f.GetName()] = f.GetText()
			} else if f.GetQuantity() != 0 {
				got[f.GetName()] = f.GetQuantity()
			} else {
				got[f.GetName()] = f.GetNumber()
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%v: told %v, want %v", c.message, got, c.want)
		}
	}
}
