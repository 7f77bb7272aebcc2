package unit

import (
	"testing"
	"time"
)

// far is a remote unit: flags are + RemoteUnitID known, ! started, c canceled
// locally, r released locally.
func far(s State, detail, flags string) Remote {
	data := &RemoteData{RemoteNode: "b", RemoteWorkType: "cat"}
	for _, f := range flags {
		switch f {
		case '+':
			data.RemoteUnitID = "twin"
		case '!':
			data.RemoteUnitID, data.RemoteStarted = "twin", true
		case 'c':
			data.LocalCancelled = true
		case 'r':
			data.LocalCancelled, data.LocalReleased = true, true
		}
	}
	return Remote{Record: Record{State: s, Detail: detail, WorkType: TypeRemote, Remote: data}}
}

func (u Remote) knows(s State, detail string, size int64) Remote {
	u.Report = &RemoteReported{State: s, Detail: detail, Size: size}
	return u
}

func forced(u Remote) Remote {
	u.forced = true
	return u
}

func TestRemoteTransitions(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	starting, waiting := DetailStarting, DetailWaiting
	cases := []struct {
		name    string
		unit    Remote
		event   Event
		state   State
		detail  string
		task    Task
		actions string
	}{
		{"payload complete", far(Pending, waiting, ""), PayloadEnded{}, Pending, starting, Submit, "save connect"},
		{"payload broken", far(Pending, waiting, ""), PayloadEnded{Error: "reset"}, Failed, "Error reading input data: reset",
			Nothing, "save disconnect answer-end answer-start(Error reading input data: reset)"},
		{"started twice", far(Running, "x", "!"), PayloadEnded{}, Running, "x", Follow, "answer-start(work unit is already started)"},
		{"started after cancel", far(Failed, DetailLocalCancel, "c"), PayloadEnded{}, Failed, DetailLocalCancel, Nothing,
			"answer-start(work unit ended before it was started)"},
		{"unreachable", far(Pending, starting, ""), Unreached{Error: "no route to node"}, Pending, starting, Submit,
			"answer-start(pending) answer-end(pending)"},
		{"TLS trouble before the start", far(Pending, starting, ""), Unreached{Error: "CRYPTO_ERROR 0x12a", Fatal: true}, Failed,
			"TLS error connecting to remote service: CRYPTO_ERROR 0x12a", Nothing,
			"save disconnect answer-end answer-start(TLS error connecting to remote service: CRYPTO_ERROR 0x12a)"},
		{"TLS trouble after the start", far(Running, "x", "!"), Unreached{Error: "CRYPTO_ERROR 0x12a", Fatal: true}, Running,
			"TLS error connecting to remote service: CRYPTO_ERROR 0x12a", Follow, "show answer-end(pending)"},
		{"accepted", far(Pending, starting, ""), Accepted{"twin"}, Pending, starting, Submit, "save"},
		{"accepted too late", far(Failed, "expired", ""), Accepted{"twin"}, Failed, "expired", Discard, "save connect"},
		{"started", far(Pending, starting, "+"), Started{}, Pending, starting, Follow, "save answer-start"},
		{"refused", far(Pending, starting, ""), Refused{"could not parse response: ERROR: no"}, Failed,
			"Error starting worker: could not parse response: ERROR: no", Nothing,
			"save disconnect answer-end answer-start(could not parse response: ERROR: no)"},
		{"refused with its payload: nothing is left there", far(Pending, starting, "+"), Refused{"error from remote: no"}, Failed,
			"Error starting worker: error from remote: no", Discard,
			"save connect answer-end answer-start(error from remote: no)"},
		{"runs there", far(Pending, starting, "!"), RemoteReported{Running, "Running: PID 1", 3}, Running, "Running: PID 1", Follow, "save"},
		{"still runs", far(Running, "x", "!"), RemoteReported{Running, "y", 3}, Running, "y", Follow, "show"},
		{"never back", far(Running, "x", "!"), RemoteReported{Pending, "y", 3}, Running, "x", Follow, ""},
		{"ended there, output on its way", far(Running, "x", "!"), RemoteReported{Succeeded, "exit status 0", 3}, Running, "x", Follow, ""},
		{"output complete", far(Running, "x", "!").knows(Succeeded, "exit status 0", 3), OutputCopied{3, 3}, Succeeded,
			"exit status 0", Nothing, "save disconnect answer-end"},
		{"output incomplete", far(Running, "x", "!").knows(Succeeded, "exit status 0", 3), OutputCopied{2, 3}, Failed,
			"output is incomplete: the remote node sent 2 of 3 bytes (exit status 0)", Nothing, "save disconnect answer-end"},
		{"output without an end", far(Running, "x", "!"), OutputCopied{2, 2}, Running, "x", Follow, ""},
		{"disk full", far(Running, "x", "!"), OutputFailed{Error: "no space left on device"}, Failed,
			"Error writing output: no space left on device", Nothing, "save disconnect answer-end"},
		{"gone", far(Running, "x", "!"), Gone{2}, Failed, DetailGone, Nothing, "save disconnect answer-end"},
		{"gone with all output here", far(Running, "x", "!").knows(Succeeded, "exit status 0", 3), Gone{3}, Succeeded,
			"exit status 0", Nothing, "save disconnect answer-end"},
		{"gone before all output was here", far(Running, "x", "!").knows(Succeeded, "exit status 0", 3), Gone{2}, Failed,
			DetailGone, Nothing, "save disconnect answer-end"},
		{"gone counts as released", far(Running, "x", "!r"), Gone{}, Running, "x", Discard, "disconnect delete"},
		{"twin of a failed unit is gone", far(Failed, "x", "+"), Gone{}, Failed, "x", Nothing, "save disconnect answer-end"},
		{"cancel before the start", far(Pending, starting, ""), CancelAsked{}, Failed, DetailLocalCancel, Nothing,
			"save disconnect answer-end answer-start(Locally Cancelled)"},
		{"cancel as it starts", far(Pending, starting, "+"), CancelAsked{}, Failed, DetailLocalCancel, Discard,
			"save connect answer-end answer-start(Locally Cancelled)"},
		{"cancel running", far(Running, "x", "!"), CancelAsked{}, Running, "x", Cancel, "save connect"},
		{"cancel ended", far(Succeeded, "x", "!"), CancelAsked{}, Succeeded, "x", Nothing, "answer-end"},
		{"cancel while away", far(Running, "x", "!c"), Unreached{Error: "no route"}, Running, "x", Cancel,
			"answer-start(pending) answer-end(pending)"},
		{"cancel answered", far(Running, "x", "!c"), EndAnswered{}, Running, "x", Follow, "answer-end"},
		{"cancel refused", far(Running, "x", "!c"), EndAnswered{Error: "no"}, Running, "error cancelling remote unit:  no", Follow,
			"save answer-end(error cancelling remote unit:  no)"},
		{"release before anybody was told", far(Pending, starting, ""), ReleaseAsked{}, Pending, starting, Submit,
			"disconnect answer-start(work unit ended before it was started) delete"},
		{"release running", far(Running, "x", "!"), ReleaseAsked{}, Running, "x", Discard, "save connect"},
		{"release ended", far(Succeeded, "x", "!"), ReleaseAsked{}, Succeeded, "x", Discard, "save connect"},
		{"release of a known twin that never started", far(Pending, starting, "+"), ReleaseAsked{}, Pending, starting, Discard, "save connect"},
		{"force-release running", far(Running, "x", "!"), ReleaseAsked{Force: true}, Running, "x", Discard, "mark-release save connect"},
		{"force-release of what is being released", far(Running, "x", "!r"), ReleaseAsked{Force: true}, Running, "x", Discard,
			"mark-release save connect"},
		{"release after force-release", forced(far(Running, "x", "!r")), ReleaseAsked{}, Running, "x", Discard, "mark-release save connect"},
		{"release while away", far(Running, "x", "!r"), Unreached{Error: "no route"}, Running, "x", Discard,
			"answer-start(pending) answer-end(pending)"},
		{"force-release while away", forced(far(Running, "x", "!r")), Unreached{Error: "no route"}, Running, "x", Discard, "disconnect delete"},
		{"release answered", far(Running, "x", "!r"), EndAnswered{Release: true}, Running, "x", Discard, "disconnect delete"},
		{"release refused", far(Running, "x", "!r"), EndAnswered{Release: true, Error: "no"}, Running,
			"error cancelling remote unit:  no", Follow,
			"save connect answer-end(error cancelling remote unit:  no)"},
		{"release of an ended unit refused", far(Succeeded, "x", "!r"), EndAnswered{Release: true, Error: "no"}, Succeeded, "x", Nothing,
			"save disconnect answer-end(error cancelling remote unit:  no)"},
		{"force-release refused", forced(far(Running, "x", "!r")), EndAnswered{Release: true, Error: "no"}, Running, "x", Discard,
			"disconnect delete"},
		{"twin discarded", far(Failed, "x", "+"), EndAnswered{Release: true}, Failed, "x", Nothing, "save disconnect"},
		{"expired", far(Pending, starting, ""), Expired{noon, 3, "no route to node"}, Failed,
			"Work unit expired on Sun Nov 22 12:00:00: 3 attempts, last error: no route to node", Nothing,
			"save disconnect answer-end answer-start(Work unit expired on Sun Nov 22 12:00:00: 3 attempts, last error: no route to node)"},
		{"expired in the payload phase", far(Pending, waiting, ""), Expired{Now: noon}, Failed, "Work unit expired on Sun Nov 22 12:00:00",
			Nothing, "save disconnect answer-end answer-start(Work unit expired on Sun Nov 22 12:00:00)"},
		{"expired with a twin", far(Pending, starting, "+"), Expired{Now: noon}, Failed, "Work unit expired on Sun Nov 22 12:00:00",
			Discard, "save connect answer-end answer-start(Work unit expired on Sun Nov 22 12:00:00)"},
		{"started in time", far(Running, "x", "!"), Expired{Now: noon}, Running, "x", Follow, ""},
	}
	for _, c := range cases {
		before := *c.unit.Remote
		got, actions := c.unit.Step(c.event)
		if got.State != c.state || got.Detail != c.detail || got.Task() != c.task || show(actions) != c.actions {
			t.Errorf("%s: got %s %q task %d [%s], want %s %q task %d [%s]", c.name,
				got.State, got.Detail, got.Task(), show(actions), c.state, c.detail, c.task, c.actions)
		}
		if now := *c.unit.Remote; now.RemoteUnitID != before.RemoteUnitID || now.LocalReleased != before.LocalReleased {
			t.Errorf("%s: the step changed its predecessor", c.name)
		}
	}
}

// What the other node said counts later; what it knows is not forgotten.
func TestRemoteStories(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		from   Remote
		events []Event
		does   string
		state  State
		size   int64
		task   Task
		twin   string
	}{
		"ends there, then here": {far(Running, "x", "!"), []Event{RemoteReported{Succeeded, "exit status 0", 3}, OutputCopied{3, 3}},
			"[] [save disconnect answer-end]", Succeeded, 3, Nothing, "twin"},
		"canceled twice": {far(Running, "x", "!"), []Event{CancelAsked{}, EndAnswered{}, CancelAsked{}},
			"[save connect] [answer-end] [save connect]", Running, 0, Cancel, "twin"},
		"release refused": {far(Running, "x", "!"), []Event{ReleaseAsked{}, EndAnswered{Release: true, Error: "no"}},
			"[save connect] [save connect answer-end(error cancelling remote unit:  no)]", Running, 0, Follow, "twin"},
		"release refused before the start": {far(Pending, DetailStarting, "+"), []Event{ReleaseAsked{}, EndAnswered{Release: true, Error: "no"}},
			"[save connect] [save connect answer-end(error cancelling remote unit:  no)]", Pending, 0, Submit, ""},
		"started twice at once": {far(Pending, DetailStarting, ""), []Event{PayloadEnded{}},
			"[answer-start(work unit is already started)]", Pending, 0, Submit, ""},
		"started twice, and no detail came": {far(Running, "", "!"), []Event{PayloadEnded{}},
			"[answer-start(work unit is already started)]", Running, 0, Follow, "twin"},
		"output failed": {far(Running, "x", "!"), []Event{OutputFailed{"no space", 2}}, "[save disconnect answer-end]", Failed, 2, Nothing, "twin"},
		"broken payload": {far(Pending, DetailWaiting, ""), []Event{PayloadEnded{Error: "cut"}},
			"[save disconnect answer-end answer-start(Error reading input data: cut)]", Failed, 0, Nothing, ""},
		"no TLS": {far(Pending, DetailStarting, ""), []Event{Unreached{Error: "no", Fatal: true}},
			"[save disconnect answer-end answer-start(no)]", Failed, 0, Nothing, ""},
		"refused": {far(Pending, DetailStarting, ""), []Event{Refused{"no"}}, "[save disconnect answer-end answer-start(no)]", Failed, 0, Nothing, ""},
		"canceled": {far(Pending, DetailStarting, ""), []Event{CancelAsked{}},
			"[save disconnect answer-end answer-start(Locally Cancelled)]", Failed, 0, Nothing, ""},
		"expired": {far(Pending, DetailStarting, ""), []Event{Expired{Now: noon}},
			"[save disconnect answer-end answer-start(Work unit expired on Sun Nov 22 12:00:00)]", Failed, 0, Nothing, ""},
	} {
		u, did := script(c.from, c.events...)
		if did != c.does || u.State != c.state || u.StdoutSize != c.size || u.Task() != c.task || u.Remote.RemoteUnitID != c.twin {
			t.Errorf("%s: %s, %s, %d bytes, task %d, twin %q", name, did, u.State, u.StdoutSize, u.Task(), u.Remote.RemoteUnitID)
		}
	}
}

func TestRemoteLoad(t *testing.T) {
	cases := []struct {
		name    string
		unit    Remote
		state   State
		task    Task
		actions string
	}{
		{"final", far(Succeeded, "x", "!"), Succeeded, Nothing, ""},
		{"canceled before the start", far(Pending, DetailStarting, "c"), Failed, Nothing,
			"save disconnect answer-end answer-start(Locally Cancelled)"},
		{"client gone", far(Pending, DetailWaiting, ""), Failed, Nothing, "save disconnect answer-end answer-start(Pending at restart)"},
		{"not submitted", far(Pending, DetailStarting, ""), Pending, Submit, "connect"},
		{"perhaps submitted", far(Pending, DetailStarting, "+"), Pending, Submit, "connect"},
		{"runs there", far(Running, "x", "!"), Running, Follow, "connect"},
		{"canceled while away", far(Running, "x", "!c"), Running, Cancel, "connect"},
		{"released while away", far(Succeeded, "x", "!r"), Succeeded, Discard, "connect"},
		{"deleting", far(Failed, "x", "r"), Failed, Nothing, "delete"},
		{"twin left", far(Failed, "x", "+"), Failed, Discard, "connect"},
		{"force-released", forced(far(Running, "x", "!r")), Running, Discard, "mark-release save connect"},
		{"force-released, and only that written down", forced(far(Running, "x", "!")), Running, Discard, "mark-release save connect"},
		{"force-released before the start", forced(far(Pending, DetailStarting, "")), Pending, Submit,
			"disconnect answer-start(work unit ended before it was started) delete"},
	}
	for _, c := range cases {
		u, actions := LoadRemote(c.unit.Record, c.unit.forced)
		if u.State != c.state || u.Task() != c.task || show(actions) != c.actions {
			t.Errorf("%s: got %s task %d [%s]", c.name, u.State, u.Task(), show(actions))
		}
		if u.StdoutSize != 0 {
			t.Errorf("%s: %d bytes of output", c.name, u.StdoutSize)
		}
	}
}

func TestGiven(t *testing.T) {
	cases := []struct {
		state  State
		detail string
		want   bool
	}{
		{Pending, DetailWaiting, false},
		{Pending, DetailStarting, true},
		{Running, "Running: PID 4", true},
		{Succeeded, "exit status 0", true},
		{Failed, "exit status 3", true},
		{Failed, "Error reading input data: reset", false},
		{Failed, DetailAtRestart, false},
		{Canceled, DetailCanceled, true},
	}
	for _, c := range cases {
		if got := Given(Record{State: c.state, Detail: c.detail}); got != c.want {
			t.Errorf("%s %q: got %v", c.state, c.detail, got)
		}
	}
}

func TestAdoptable(t *testing.T) {
	cases := []struct {
		state  State
		detail string
		want   bool
	}{
		{Pending, DetailCreated, false},
		{Pending, DetailWaiting, false},
		{Pending, DetailLaunching, true},
		{Running, "Running: PID 4", true},
		{Succeeded, "exit status 0", true},
		{Failed, "exit status 3", true},
		{Failed, "Error reading input data: reset", false},
		{Canceled, DetailCanceled, false},
	}
	for _, c := range cases {
		if got := Adoptable(c.state, c.detail); got != c.want {
			t.Errorf("%s %q: got %v", c.state, c.detail, got)
		}
	}
}
