package inspect

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/levels"
	inspectv1 "receptor/proto/inspect/v1"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
)

// office is a desk with stand-ins for those who carry actions out.
func office(s *probe.Stage, allowed func() bool) (*actor.PID, *events.Journal, *levels.Levels, *probe.Probe) {
	root, router, links := s.Probe(), s.Probe(), s.Probe()
	root.Answer(&inspectv1.RestartActor{}, func(m proto.Message) proto.Message {
		if m.(*inspectv1.RestartActor).GetPath() == "node/nobody" {
			return refused("no such actor")
		}
		return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Done{Done: &inspectv1.ActionDone{}}}
	})
	router.Answer(&routerv1.HoldLink{}, func(m proto.Message) proto.Message {
		if m.(*routerv1.HoldLink).GetDurationMs() > 30_000 {
			return &routerv1.HoldLinkReply{Result: &routerv1.HoldLinkReply_Refused{Refused: &routerv1.Refused{Text: "too long"}}}
		}
		return &routerv1.HoldLinkReply{Result: &routerv1.HoldLinkReply_Accepted{Accepted: &routerv1.Accepted{}}}
	})
	root.Answer(&supervisev1.GetTree{}, func(proto.Message) proto.Message {
		return &supervisev1.Tree{Actor: &supervisev1.Actor{Path: "node", Children: []*supervisev1.Actor{{Path: "node/work"}}}}
	})
	journal, lv := events.New(16), levels.New(zerolog.InfoLevel, nil)
	return s.Spawn(supervise.Spec{Name: "inspect", Kind: "family", Supervises: true, New: New(DeskConfig{
		Log: s.Log(), Root: root.PID, Router: router.PID, Links: links.PID, Journal: journal, Levels: lv,
		Allowed: allowed,
	})}), journal, lv, links
}

func TestActionsAreCarriedOutAndTold(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		desk, journal, lv, links := office(s, func() bool { return true })
		ask := func(m proto.Message) *inspectv1.ActionReply { return s.Ask(t, desk, m).(*inspectv1.ActionReply) }
		if got := ask(&inspectv1.RestartActor{Path: "node/links"}).GetDone().GetText(); got != "restart node/links" {
			t.Errorf("restart: %q", got)
		}
		if got := ask(&inspectv1.RestartActor{Path: "node/nobody"}).GetRefused().GetText(); got != "no such actor" {
			t.Errorf("restart of nobody: %q", got)
		}
		if ask(&inspectv1.TakeLinkDown{Neighbour: "bar", Seconds: 30}).GetDone() == nil {
			t.Error("link down was refused")
		}
		if got := ask(&inspectv1.TakeLinkDown{Neighbour: "bar", Seconds: 31}).GetRefused().GetText(); got != "too long" {
			t.Errorf("too long: %q", got)
		}
		if ask(&inspectv1.TakeLinkDown{Neighbour: "bar"}).GetDone() == nil {
			t.Error("the end of link down was refused")
		}
		if m := probe.ExpectType[*linksv1.DialNow](t, links); m.GetNode() != "bar" {
			t.Errorf("whoever dials is told %v", m)
		}
		if ask(&inspectv1.SetLogLevel{Path: "node/work", Level: "debug", Seconds: 60}).GetDone() == nil {
			t.Error("log level was refused")
		}
		if got := ask(&inspectv1.SetLogLevel{Path: "node/work", Level: "loud"}).GetRefused().GetText(); !strings.Contains(got, "loud") {
			t.Errorf("no level: %q", got)
		}
		if got := ask(&inspectv1.SetLogLevel{Path: "node/nobody", Level: "debug"}).GetRefused().GetText(); got != "no such actor: node/nobody" {
			t.Errorf("no actor: %q", got)
		}
		var out strings.Builder
		log := lv.Logger(zerolog.New(&out), "node/work/unit")
		log.Debug().Msg("seen")
		time.Sleep(time.Minute)
		log.Debug().Msg("hidden")
		if !strings.Contains(out.String(), "seen") || strings.Contains(out.String(), "hidden") {
			t.Errorf("logged %q", out.String())
		}
		var told []string
		for _, e := range journal.Recent(0) {
			told = append(told, e.GetActionTaken().GetAction())
		}
		if got := strings.Join(told, ", "); got != "restart, link down, link down, log level" {
			t.Errorf("told: %s", got)
		}
		if tree := s.Tree(t, desk); tree.GetPath() != desk.GetId() {
			t.Errorf("%v", tree)
		}
	})
}

func TestActionsNeedPermission(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		desk, journal, _, _ := office(s, func() bool { return false })
		for _, m := range []proto.Message{
			&inspectv1.RestartActor{Path: "node/links"}, &inspectv1.TraceActor{Path: "node/links"},
			&inspectv1.TakeLinkDown{Neighbour: "bar", Seconds: 30}, &inspectv1.SetLogLevel{Path: "node", Level: "debug"},
		} {
			reply := s.Ask(t, desk, m).(*inspectv1.ActionReply)
			if !strings.Contains(reply.GetRefused().GetText(), "actions=true") {
				t.Errorf("%T: %v", m, reply)
			}
		}
		if journal.Last() != 0 {
			t.Errorf("told: %v", journal.Recent(0))
		}
	})
}

// A level that is asked for while actions end is not set.
func TestNoLevelOutlivesActions(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		var asked atomic.Int32
		desk, journal, lv, _ := office(s, func() bool { return asked.Add(1) == 1 }) // not any more when the actor is found
		reply := s.Ask(t, desk, &inspectv1.SetLogLevel{Path: "node/work", Level: "debug", Seconds: 60}).(*inspectv1.ActionReply)
		if !strings.Contains(reply.GetRefused().GetText(), "actions=true") || journal.Last() != 0 {
			t.Errorf("%v, told %v", reply, journal.Recent(0))
		}
		var out strings.Builder
		log := lv.Logger(zerolog.New(&out), "node/work")
		if log.Debug().Msg("hidden"); out.Len() > 0 {
			t.Errorf("logged %q", out.String())
		}
	})
}

func TestDeadLettersAreCountedAndTold(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal := events.New(16)
		i := NewInspector(Config{System: s.System(), Journal: journal})
		nobody := s.System().NewLocalPID("node/nobody")
		for range 5 {
			s.Send(nobody, &supervisev1.Shutdown{})
		}
		time.Sleep(time.Second)
		s.Send(nobody, &supervisev1.Shutdown{})
		s.Settle()
		got := journal.Recent(0)
		if len(got) != 2 || i.letters.total() != 6 {
			t.Fatalf("%d letters, told %v", i.letters.total(), got)
		}
		if d := got[1].GetDeadLetter(); d.GetCount() != 5 || d.GetTarget() != "node/nobody" || d.GetType() != "supervise.v1.Shutdown" ||
			d.GetSender() != "test/probe.(*Stage).Send" {
			t.Errorf("%v", d)
		}
		asker := s.Probe()
		s.System().Root.RequestWithCustomSender(nobody, &supervisev1.GetTree{}, asker.PID)
		told := journal.Recent(0)
		if d := told[len(told)-1].GetDeadLetter(); d.GetSender() != asker.PID.GetId() {
			t.Errorf("%v", d)
		}
	})
}
