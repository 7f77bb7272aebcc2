package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	workv1 "receptor/proto/work/v1"
)

// nopFeeds has no output for anybody.
type nopFeeds struct{}

func (nopFeeds) CopyResults(context.Context, string, int64, io.Writer) error { return nil }
func (nopFeeds) OpenErrors(context.Context, string, int64, bool) (func(context.Context, io.Writer) error, error) {
	return nil, errors.New("there is none")
}

func (nopFeeds) WatchUnits(context.Context, <-chan string, func([]*workv1.Status) error) error {
	return nil
}

func (nopFeeds) WatchStatus(context.Context, string, func(*workv1.Status) error) error {
	return nil
}

// startBench starts a control service whose work family does nothing at all.
func startBench(b *testing.B) (path string) {
	system := supervise.NewSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	dir := b.TempDir()
	path = filepath.Join(dir, "s")
	work := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *workv1.Submit:
			ctx.Respond(&workv1.SubmitReply{Result: &workv1.SubmitReply_Created{Created: &workv1.Created{
				UnitId: "u", StdinPath: filepath.Join(dir, "stdin"),
			}}})
		case *workv1.Start:
			ctx.Respond(&workv1.StartReply{Result: &workv1.StartReply_Started{Started: &workv1.Started{}}})
		case *workv1.GetResults:
			ctx.Respond(&workv1.GetResultsReply{Result: &workv1.GetResultsReply_Granted{Granted: &workv1.Granted{}}})
		}
	}))
	binding := ListenUnix(path, 0o600)
	if _, err := binding.Prepare(); err != nil {
		b.Fatal(err)
	}
	root := system.Root.Spawn(actor.PropsFromProducer(New(Config{
		NodeID: "foo", Log: zerolog.New(io.Discard), Work: work, Plane: pings{}, Feeds: nopFeeds{},
		Listeners: supervise.NewLive([]Listener{{Name: "unix", Binding: binding, Trusted: true}}),
	})))
	b.Cleanup(func() {
		if err := system.Root.StopFuture(root).Wait(); err != nil {
			b.Error(err)
		}
		system.Shutdown()
	})
	return path
}

// BenchmarkPing is one command on an open session.
func BenchmarkPing(b *testing.B) {
	c := dial(b, "unix", startBench(b))
	c.line()
	b.ReportAllocs()
	for b.Loop() {
		c.send("ping foo\n")
		c.line()
	}
}

// BenchmarkResults is a session that reads the output of a unit that has none.
func BenchmarkResults(b *testing.B) {
	path := startBench(b)
	b.ReportAllocs()
	for b.Loop() {
		c := dial(b, "unix", path)
		c.line()
		c.send("work results u 0\n")
		c.halfClose()
		c.line()
		c.expectEnd()
		c.close()
	}
}

// BenchmarkSubmit is a session with a payload, without the unit that follows.
func BenchmarkSubmit(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"empty", 0}, {"1KiB", 1 << 10}, {"20MiB", 20 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			path := startBench(b)
			payload := strings.Repeat("x", size.n)
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				c := dial(b, "unix", path)
				c.line()
				c.send("work submit foo cat\n")
				c.line()
				c.send(payload)
				c.halfClose()
				c.line()
				c.expectEnd()
				c.close()
			}
			if err := os.Remove(filepath.Join(filepath.Dir(path), "stdin")); err != nil {
				b.Error(err)
			}
		})
	}
}
