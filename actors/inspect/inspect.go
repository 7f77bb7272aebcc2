package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise/events"
	"receptor/actors/supervise/tree"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/transport/mesh"
)

// askTimeout bounds a question to the tree; each level below waits less.
const askTimeout = 3 * time.Second

// ErrNoActor is a path that leads to no living actor.
var ErrNoActor = errors.New("no such actor")

// Config is what an Inspector looks at.
type Config struct {
	NodeID  string
	Version string
	System  *actor.ActorSystem
	Root    string // path of the root
	Links   string // path of the links family
	Plane   *mesh.Plane
	Journal *events.Journal
	// Certificates are those that the node shows to others; nil: none.
	Certificates func() []*inspectv1.Certificate
}

// Inspector answers readers in the same process.
type Inspector struct {
	cfg     Config
	started time.Time
	letters *letters
}

// NewInspector returns the Inspector of a node that starts now.
func NewInspector(cfg Config) *Inspector {
	return &Inspector{cfg: cfg, started: time.Now(), letters: newLetters(cfg.System, cfg.Journal)}
}

// NodeID is the node that is looked at.
func (i *Inspector) NodeID() string { return i.cfg.NodeID }

// Journal are the events of the node.
func (i *Inspector) Journal() *events.Journal { return i.cfg.Journal }

// TreeOptions say how much of the tree is wanted.
type TreeOptions struct {
	// Path of the topmost actor; empty for the root.
	Path string
	// Detail has the actors describe themselves. With very many of them that is work.
	Detail bool
}

// Tree is an actor and all below it. The error is ErrNoActor for a path that leads
// nowhere.
func (i *Inspector) Tree(ctx context.Context, opt TreeOptions) (*supervisev1.Actor, error) {
	reply, err := i.ask(ctx, i.cfg.Root, &supervisev1.GetTree{Detail: opt.Detail, Path: opt.Path})
	if err != nil {
		return nil, err
	}
	if opt.Path == "" {
		return reply, nil
	}
	if a := tree.Find(reply, opt.Path); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoActor, opt.Path)
}

// Links are all connections to neighbours, and those that ought to be there.
func (i *Inspector) Links(ctx context.Context) ([]*inspectv1.Link, error) {
	root, err := i.ask(ctx, i.cfg.Links, &supervisev1.GetTree{Detail: true})
	if err != nil {
		return nil, err
	}
	return tree.Links(root), nil
}

// Snapshot is the node at this instant.
func (i *Inspector) Snapshot(ctx context.Context) (*inspectv1.Snapshot, error) {
	root, err := i.Tree(ctx, TreeOptions{Detail: true})
	if err != nil {
		return nil, err
	}
	s := &inspectv1.Snapshot{
		Node: i.cfg.NodeID, Version: i.cfg.Version,
		Time: timestamppb.Now(), Started: timestamppb.New(i.started),
		Plane: plane(i.cfg.Plane.Counters()), Links: tree.Links(root), Actors: tree.Totals(root),
		DeadLetters: i.letters.total(), Events: i.cfg.Journal.Last(), EventsMissed: i.cfg.Journal.Missed(),
	}
	for _, family := range root.GetChildren() {
		switch f := family.GetDescription().GetFigures().(type) {
		case *inspectv1.Description_Routes:
			s.Routes = f.Routes
		case *inspectv1.Description_Units:
			s.Units = f.Units
		case *inspectv1.Description_Sessions:
			s.Sessions = f.Sessions
		}
	}
	if i.cfg.Certificates != nil {
		s.Certificates = i.cfg.Certificates()
	}
	return s, nil
}

func (i *Inspector) ask(ctx context.Context, path string, q *supervisev1.GetTree) (*supervisev1.Actor, error) {
	type answer struct {
		res any
		err error
	}
	future := i.cfg.System.Root.RequestFuture(i.cfg.System.NewLocalPID(path), q, askTimeout)
	got := make(chan answer, 1)
	go func() {
		res, err := future.Result()
		got <- answer{res, err}
	}()
	select {
	case a := <-got:
		reply, ok := a.res.(*supervisev1.Tree)
		if a.err == nil && !ok {
			a.err = fmt.Errorf("%s answered with %T", path, a.res)
		}
		if a.err != nil {
			return nil, fmt.Errorf("ask %s for its tree: %w", path, a.err)
		}
		return reply.GetActor(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func plane(c *mesh.Counters) *inspectv1.Plane {
	return &inspectv1.Plane{
		Forwarded: c.Forwarded.Load(), Delivered: c.Delivered.Load(), Malformed: c.Malformed.Load(),
		UnknownSource: c.UnknownSource.Load(), Expired: c.Expired.Load(), NoRoute: c.NoRoute.Load(),
		NoService: c.NoService.Load(), Blocked: c.Blocked.Load(), UnknownNode: c.UnknownNode.Load(),
	}
}
