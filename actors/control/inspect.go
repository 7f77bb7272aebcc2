package control

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/tree"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// This file is what clients may see of the inside of the node, and have it do.

// eventsSilence is how long a client that follows events hears nothing.
const eventsSilence = 15 * time.Second

// barred is why this client may not look inside; empty if it may.
func (c *connection) barred() string {
	if !c.cfg.Trusted && (c.cfg.Remote == nil || !c.cfg.Remote()) {
		return "this node shows its inside only at its own Unix socket; with --debug remote=true it shows it here, too"
	}
	return ""
}

// undebugged is why nobody may, or this client.
func (c *connection) undebugged(what string) string {
	if c.cfg.Debug == nil || !c.cfg.Debug() {
		return what + " needs the daemon to run with --debug; add debug to its configuration and reload it, or start it so"
	}
	return c.barred()
}

func (c *connection) tree(ctx actor.Context, r command.Tree) {
	if no := c.undebugged("tree"); no != "" {
		c.session.reply(command.Error(no))
		return
	}
	c.ask(ctx, c.cfg.Root, &supervisev1.GetTree{Path: r.Path, Detail: r.Detail}, queryTimeout, func(answer any) {
		t, ok := answer.(*supervisev1.Tree)
		if !ok {
			c.confused(answer)
			return
		}
		if r.Path != "" {
			t = &supervisev1.Tree{Actor: tree.Find(t.GetActor(), r.Path)}
		}
		if t.GetActor() == nil {
			c.session.reply(command.Error("no such actor: " + r.Path))
			return
		}
		c.session.compute(func(context.Context) []byte { return command.TreeReply(t) })
	})
}

// withLinks answers a status that is to tell of the links, too.
func (c *connection) withLinks(ctx actor.Context, r command.Status) {
	c.ask(ctx, c.cfg.Links, &supervisev1.GetTree{Detail: true}, queryTimeout, func(answer any) {
		t, ok := answer.(*supervisev1.Tree)
		if !ok {
			c.confused(answer)
			return
		}
		host := c.cfg.host
		host.Links, host.LinkTree = command.Links(tree.Links(t.GetActor())), command.LinkTree(t.GetActor())
		c.statusOf(ctx, r, host)
	})
}

func (c *connection) events(r command.Events) {
	if no := c.undebugged("events"); no != "" {
		c.session.reply(command.Error(no))
		return
	}
	c.session.follow(c.cfg.Events, r)
}

func (c *connection) act(ctx actor.Context, r command.Act) {
	switch {
	case c.cfg.Desk == nil || c.cfg.Debug == nil || !c.cfg.Debug():
		c.session.reply(command.Error("actions need the daemon to run with --debug actions=true; add that to its configuration and reload it, or start it so"))
		return
	case !c.cfg.Trusted:
		c.session.reply(command.Error("actions are taken only at the node's own Unix socket"))
		return
	}
	c.ask(ctx, c.cfg.Desk, r.Action, queryTimeout, func(answer any) {
		reply, ok := answer.(*inspectv1.ActionReply)
		if !ok {
			c.confused(answer)
			return
		}
		c.session.reply(command.ActReply(reply))
	})
}

// errTold ends a session that was to tell only what there was.
var errTold = errors.New("all events are told")

// follow writes events until the client leaves, or all that there are.
func (s *session) follow(journal *events.Journal, r command.Events) {
	s.give(func() (next, error) {
		last := journal.Last()
		if err := s.writeInTime(command.EventsHead(last)); err != nil {
			return readLine, err
		}
		if !r.Follow && r.After >= last {
			return readLine, io.EOF
		}
		return readLine, s.minding(func() error { return s.tellEvents(journal, r, last) })
	})
}

func (s *session) tellEvents(journal *events.Journal, r command.Events, last uint64) error {
	after := r.After
	tell := func(e *inspectv1.Event) error {
		after = e.GetSequence()
		if err := s.writeInTime(command.EventLine(e)); err != nil {
			return err
		}
		if !r.Follow && after >= last {
			return errTold
		}
		return nil
	}
	for s.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(s.ctx, eventsSilence)
		err := journal.Follow(ctx, after, tell)
		cancel()
		if err == nil {
			err = s.writeInTime([]byte(command.KeepAlive))
		}
		if errors.Is(err, errTold) {
			break
		}
		if errors.Is(err, events.ErrOff) {
			err = s.writeInTime(command.Error("no more events: the daemon was told to run without --debug"))
			return cmp.Or(err, io.EOF)
		}
		if err != nil {
			return err
		}
	}
	return io.EOF
}

// writeInTime gives a client that takes nothing up. One that has gone while it watched
// has come to its natural end, which is io.EOF, whoever finds out first.
func (s *session) writeInTime(line []byte) error {
	err := s.conn.SetWriteDeadline(time.Now().Add(watchPatience))
	if err == nil {
		err = s.write(line)
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return io.EOF
	}
	return err
}
