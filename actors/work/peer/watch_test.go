package peer

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport"
)

type pipeConn struct{ net.Conn }

func (pipeConn) CloseWrite() error { return nil }

// A stream that died without a word is noticed soon after a peer should have
// spoken.
func TestSilentWatchIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go func() {
			in := bufio.NewReader(far)
			say := func(text string) {
				if _, err := far.Write([]byte(text)); err != nil {
					t.Error(err)
				}
			}
			hear := func(want string) {
				if line, err := in.ReadString('\n'); err != nil || line != want {
					t.Errorf("heard %q, %v, want %q", line, err, want)
				}
			}
			hear("work features\n")
			say("Receptor Control, node bar\n{\"features\":[\"watchunits\",\"x\"]}\n")
			hear("work watchunits\n")
			time.Sleep(20 * time.Second)
			say("{}\n")
			time.Sleep(20 * time.Second)
			say("{\"unitid\":\"a\",\"State\":1,\"Detail\":\"d\",\"StdoutSize\":3}\n")
		}()
		dial := func(context.Context, string, string, string) (transport.StreamConn, error) {
			return pipeConn{near}, nil
		}
		s, features, err := Ask(t.Context(), dial, "bar", "")
		if err != nil || !features.Has(FeatureWatch) || features.Has(FeatureKey) {
			t.Fatal(features, err)
		}
		defer s.Close()
		if err := s.Watch(); err != nil {
			t.Fatal(err)
		}
		if c, err := s.Next(); err != nil || c.UnitID != "a" || c.StdoutSize != 3 {
			t.Error(c, err)
		}
		began := time.Now()
		if _, err := s.Next(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != silence {
			t.Error(err, time.Since(began))
		}
	})
}
