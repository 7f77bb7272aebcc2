//go:build linux

package netns

import (
	"context"
	"fmt"
	"time"

	"receptor/test/blackbox/harness"
)

// ping is one ping of the mesh.
func ping(ctx context.Context, from *harness.Node, to string) (time.Duration, error) {
	var answer struct {
		Success bool
		Error   string
		Time    time.Duration
	}
	if err := from.AskJSON(ctx, "ping "+to, &answer); err != nil {
		return 0, err
	}
	if !answer.Success {
		return 0, fmt.Errorf("ping %s from %s: %s", to, from.ID, answer.Error)
	}
	return answer.Time, nil
}
