package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/inspect"
	"receptor/actors/supervise"
	supervisev1 "receptor/proto/supervise/v1"
)

// Node is one running instance of receptor.
type Node struct {
	system *actor.ActorSystem
	pid    *actor.PID
	log    zerolog.Logger
	done   chan struct{}

	started  chan struct{} // closed when all families are there
	changing sync.Mutex    // guards what of the plan can change
	plan     *plan

	inspector *inspect.Inspector

	shutdown sync.Once

	once sync.Once
	err  error // why it ended; set before done is closed
}

// Start opens every listening socket of the configuration and starts the actors.
// It returns the first thing that can't be had, with nothing left open.
func Start(cfg Config, log zerolog.Logger) (_ *Node, err error) {
	if cfg, err = cfg.completed(); err != nil {
		return nil, err
	}
	held, err := lock(filepath.Join(cfg.DataDir, cfg.ID))
	if inUse := (*InUseError)(nil); errors.As(err, &inUse) {
		return nil, inUse
	} else if err != nil {
		log.Warn().Err(err).Msg("nothing keeps a second node from the same data folder")
	}
	defer func() {
		if err != nil {
			unlock(held)
		}
	}()
	keeper := newKeeper(cfg, log)
	epoch, err := keeper.nextEpoch(time.Now())
	if err != nil {
		log.Warn().Err(err).Msg("this start or the next may be ignored by others if the clock goes back")
	}
	n := &Node{log: log, done: make(chan struct{}), started: make(chan struct{})}
	n.system = supervise.NewSystem(
		actor.WithDeadLetterRequestLogging(false),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			// The library reports every start and failure at info; supervisors log those.
			return slog.New(zerolog.NewSlogHandler(log.Level(max(log.GetLevel(), zerolog.WarnLevel))))
		}))

	plan, err := newPlan(cfg, log, epoch, keeper.resetKey())
	if err != nil {
		n.system.Shutdown()
		return nil, err
	}
	n.plan = plan
	if cfg.Reread != nil {
		plan.reload = n.reloadForClient
	}
	n.inspector = plan.inspect(n.system)
	var ended sync.Once
	props := actor.PropsFromProducer(func() actor.Actor {
		return &root{
			Supervisor: supervise.New(log, supervise.Backoff{}),
			log:        log, families: plan.families, pids: map[string]*actor.PID{},
			check: plan.checkCertificates, failed: n.fail, started: func() { close(n.started) }, stopped: func() { ended.Do(func() { n.ended(held) }) },
		}
	}, actor.WithGuardian(&guardian{n.fail}))
	if n.pid, err = n.system.Root.SpawnNamed(props, rootName); err != nil {
		plan.close()
		n.system.Shutdown()
		return nil, fmt.Errorf("start the root: %w", err)
	}
	return n, nil
}

// fail keeps the first reason why the node ends.
func (n *Node) fail(err error) { n.once.Do(func() { n.err = err }) }

// Done is closed when everything has stopped.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err is why the node ended by itself, nil while it runs or after Stop.
func (n *Node) Err() error {
	select {
	case <-n.done:
		n.fail(nil) // from now on there is no reason any more
		return n.err
	default:
		return nil
	}
}

// ErrStopTimeout is a node that did not stop before the caller's deadline.
var ErrStopTimeout = errors.New("node did not stop in time")

// ended is called once, when all families have stopped.
func (n *Node) ended(held *os.File) {
	if err := n.plan.plane.Close(); err != nil {
		n.log.Debug().Err(err).Msg("close of the sockets of the mesh")
	}
	unlock(held)
	close(n.done)
}

// Stop stops the families in reverse order of their start and waits for the end,
// until ctx is done. It may be called again. Whatever the node had open is closed then.
func (n *Node) Stop(ctx context.Context) error {
	n.system.Root.Send(n.pid, &supervisev1.Shutdown{})
	select {
	case <-n.done:
		n.shutdown.Do(n.system.Shutdown)
		return nil
	case <-ctx.Done():
		return ErrStopTimeout
	}
}
