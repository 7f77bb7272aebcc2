package unit

import (
	"fmt"
	"strings"
	"testing"
)

func show(actions []Action) string {
	parts := make([]string, len(actions))
	for i, a := range actions {
		parts[i] = a.String()
	}
	return strings.Join(parts, " ")
}

func record(s State, detail string) Record {
	return Record{State: s, Detail: detail, WorkType: "cat", Local: &LocalData{Pid: 7, Params: "-n"}}
}

func local(s State, detail string) Local { return Local{Record: record(s, detail)} }

func live(s State, detail string) Local {
	u := local(s, detail)
	u.Live = true
	return u
}

func with(u Local, change func(*Local)) Local {
	change(&u)
	return u
}

func cancelled(u *Local) { u.Cancelled = true }
func released(u *Local)  { u.Released, u.Cancelled = true, true }

func TestLocalTransitions(t *testing.T) {
	ended := Record{State: Succeeded, Detail: "exit status 0", StdoutSize: 4, WorkType: "cat"}
	killed := Record{State: Failed, Detail: DetailKilled, WorkType: "cat"}
	cases := []struct {
		name    string
		unit    Local
		event   Event
		state   State
		detail  string
		actions string
	}{
		{"payload complete", local(Pending, DetailWaiting), PayloadEnded{}, Pending, DetailStarting, "save launch"},
		{"payload broken", local(Pending, DetailWaiting), PayloadEnded{Error: "reset"}, Failed,
			"Error reading input data: reset", "save answer-start(Error reading input data: reset)"},
		{"started twice", live(Running, "Running: PID 8"), PayloadEnded{}, Running, "Running: PID 8",
			"answer-start(work unit is already started)"},
		{"started twice at once", local(Pending, DetailStarting), PayloadEnded{}, Pending, DetailStarting,
			"answer-start(work unit is already started)"},
		{"started after cancel", local(Canceled, DetailCanceled), PayloadEnded{}, Canceled, DetailCanceled,
			"answer-start(work unit ended before it was started)"},
		{"launched", local(Pending, DetailStarting), Launched{Pid: 9}, Pending, DetailLaunching, "show answer-start"},
		{"not launched", local(Pending, DetailStarting), LaunchFailed{"no memory"}, Failed,
			"Failed to start command runner: no memory", "save answer-start(Failed to start command runner: no memory)"},
		{"running", live(Pending, DetailLaunching), Reported{record(Running, "Running: PID 8")}, Running, "Running: PID 8", "show"},
		{"nothing new", live(Pending, DetailLaunching), Reported{record(Pending, DetailStarting)}, Pending, DetailLaunching, ""},
		{"never back", live(Running, "Running: PID 8"), Reported{record(Pending, DetailNotStarted)}, Running, "Running: PID 8", ""},
		{"ended", live(Pending, DetailLaunching), Reported{ended}, Succeeded, "exit status 0", "show"},
		{"nothing after the end", live(Succeeded, "exit status 0"), Reported{record(Running, "x")}, Succeeded, "exit status 0", ""},
		{"runner leaves after the end", live(Succeeded, "exit status 0"), RunnerGone{Record: ended}, Succeeded, "exit status 0", "answer-end"},
		{"end seen with the runner's", live(Running, "x"), RunnerGone{Record: ended}, Succeeded, "exit status 0", "save answer-end"},
		{"runner lost", live(Running, "x"), RunnerGone{Record: record(Running, "x"), Size: 3}, Failed, DetailRunnerLost, "save answer-end"},
		{"runner lost while canceling", with(live(Running, "x"), cancelled), RunnerGone{Record: record(Running, "x")},
			Canceled, DetailCanceled, "save answer-end"},
		{"nobody is canceled who still runs", with(live(Running, "x"), cancelled), RunnerGone{Record: record(Running, "x"), Left: 2},
			Failed, "could not stop the command: 2 processes are left", "save answer-end"},
		{"runner of the existing system canceled", with(live(Running, "x"), cancelled), RunnerGone{Record: killed},
			Canceled, DetailCanceled, "save answer-end"},
		{"canceled only when nothing is left", with(live(Running, "x"), cancelled), Reported{killed}, Running, "x", ""},
		{"what a runner of the existing system left stays", with(live(Running, "x"), cancelled), RunnerGone{Record: killed, Left: 1},
			Failed, "could not stop the command: 1 processes are left", "save answer-end"},
		{"runner killed by others", live(Running, "x"), Reported{killed}, Failed, DetailKilled, "show"},
		{"too late to cancel", with(live(Running, "x"), cancelled), RunnerGone{Record: ended}, Succeeded, "exit status 0", "save answer-end"},
		{"released runner gone", with(live(Running, "x"), released), RunnerGone{Record: record(Running, "x")},
			Canceled, DetailCanceled, "save delete"},
		{"cancel in payload phase", local(Pending, DetailWaiting), CancelAsked{}, Canceled, DetailCanceled, "save answer-end"},
		{"cancel running", live(Running, "x"), CancelAsked{}, Running, "x", "interrupt"},
		{"cancel ended", local(Failed, "exit status 1"), CancelAsked{}, Failed, "exit status 1", "answer-end"},
		{"release in payload phase", local(Pending, DetailWaiting), ReleaseAsked{}, Pending, DetailWaiting, "delete"},
		{"release running", live(Running, "x"), ReleaseAsked{}, Running, "x", "interrupt"},
		{"release as the runner leaves", live(Succeeded, "exit status 0"), ReleaseAsked{}, Succeeded, "exit status 0", ""},
		{"release ended", local(Canceled, DetailCanceled), ReleaseAsked{Force: true}, Canceled, DetailCanceled, "delete"},
		{"unknown event", local(Pending, DetailWaiting), 7, Pending, DetailWaiting, ""},
	}
	for _, c := range cases {
		before := fmt.Sprintf("%+v %+v", c.unit, c.unit.Local)
		got, actions := c.unit.Step(c.event)
		if got.State != c.state || got.Detail != c.detail || show(actions) != c.actions {
			t.Errorf("%s: got %s %q [%s], want %s %q [%s]", c.name,
				got.State, got.Detail, show(actions), c.state, c.detail, c.actions)
		}
		if after := fmt.Sprintf("%+v %+v", c.unit, c.unit.Local); after != before {
			t.Errorf("%s: the step changed its predecessor", c.name)
		}
	}
}

func TestLocalLoad(t *testing.T) {
	stranger := Record{State: Running, WorkType: "pod", Other: []byte(`{"Image":"x"}`)}
	cases := []struct {
		name    string
		record  Record
		found   Found
		state   State
		detail  string
		actions string
		idle    bool
	}{
		{"final", record(Succeeded, "exit status 0"), Found{}, Succeeded, "exit status 0", "", true},
		{"client gone", record(Pending, DetailWaiting), Found{}, Failed, DetailAtRestart, "save", true},
		{"payload complete", record(Pending, DetailStarting), Found{}, Pending, DetailStarting, "launch", false},
		{"payload complete, canceled", record(Pending, DetailStarting), Found{Cancelled: true}, Canceled, DetailCanceled,
			"save answer-end", true},
		{"launched", record(Pending, DetailStarting), Found{Known: true}, Pending, DetailStarting, "watch show", false},
		{"runs", record(Running, "x"), Found{Known: true}, Running, "x", "watch show", false},
		{"being canceled", record(Running, "x"), Found{Known: true, Cancelled: true}, Running, "x", "watch show interrupt", false},
		{"nobody knows who ran it", record(Running, "x"), Found{Size: 5}, Failed, DetailRunnerLost, "save answer-end", true},
		{"of another daemon's type", stranger, Found{}, Running, "", "", true},
	}
	for _, c := range cases {
		u, actions := LoadLocal(c.record, c.found)
		if u.State != c.state || u.Detail != c.detail || show(actions) != c.actions || u.Idle() != c.idle {
			t.Errorf("%s: got %s %q [%s] idle %v", c.name, u.State, u.Detail, show(actions), u.Idle())
		}
		if u.StdoutSize != c.found.Size {
			t.Errorf("%s: %d bytes of output, want %d", c.name, u.StdoutSize, c.found.Size)
		}
	}
}

// What a unit was asked it still knows when its runner is gone.
func TestLocalStories(t *testing.T) {
	loaded, _ := LoadLocal(record(Running, "x"), Found{Known: true})
	gone := RunnerGone{Record: record(Running, "x"), Size: 3}
	for name, c := range map[string]struct {
		from   Local
		events []Event
		does   string
		state  State
		detail string
		size   int64
	}{
		"canceled":                  {live(Running, "x"), []Event{CancelAsked{}, gone}, "[interrupt] [save answer-end]", Canceled, DetailCanceled, 3},
		"released":                  {live(Running, "x"), []Event{ReleaseAsked{}, gone}, "[interrupt] [save delete]", Canceled, DetailCanceled, 3},
		"released as it ends":       {live(Succeeded, "x"), []Event{ReleaseAsked{}, gone}, "[] [delete]", Succeeded, "x", 0},
		"canceled at once":          {local(Pending, DetailStarting), []Event{Launched{Pid: 9}, CancelAsked{}}, "[show answer-start] [interrupt]", Pending, DetailLaunching, 0},
		"canceled after a restart":  {loaded, []Event{CancelAsked{}, gone}, "[interrupt] [save answer-end]", Canceled, DetailCanceled, 3},
		"canceled without a runner": {local(Pending, DetailWaiting), []Event{CancelAsked{}}, "[save answer-end]", Canceled, DetailCanceled, 0},
		"the runner canceled":       {live(Running, "x"), []Event{Reported{record(Canceled, "x")}, gone}, "[show] [answer-end]", Canceled, "x", 0},
		"one process is left": {live(Running, "x"), []Event{CancelAsked{}, RunnerGone{Record: record(Running, "x"), Size: 3, Left: 1}},
			"[interrupt] [save answer-end]", Failed, "could not stop the command: 1 processes are left", 3},
		"broken payload": {local(Pending, DetailWaiting), []Event{PayloadEnded{Error: "cut"}}, "[save answer-start(Error reading input data: cut)]",
			Failed, "Error reading input data: cut", 0},
		"no runner": {local(Pending, DetailStarting), []Event{LaunchFailed{"no memory"}}, "[save answer-start(Failed to start command runner: no memory)]",
			Failed, "Failed to start command runner: no memory", 0},
	} {
		u, did := script(c.from, c.events...)
		if did != c.does || u.State != c.state || u.Detail != c.detail || u.StdoutSize != c.size {
			t.Errorf("%s: %s, %s %q, %d bytes", name, did, u.State, u.Detail, u.StdoutSize)
		}
	}
	if u, _ := local(Pending, DetailStarting).Step(Launched{Pid: 9}); u.Local.Pid != 9 {
		t.Errorf("launched with pid 9, the record says %d", u.Local.Pid)
	}
}

// Every unit that is loaded or asked is final in the end, whatever its runner does.
func TestLocalAlwaysEnds(t *testing.T) {
	for _, u := range []Local{
		local(Pending, DetailWaiting), local(Pending, DetailStarting), live(Pending, DetailLaunching), live(Running, "x"),
	} {
		u.Live = true
		for _, last := range []Record{u.Record, record(Succeeded, "exit status 0")} {
			end, _ := u.Step(RunnerGone{Record: last})
			if !end.State.Final() || !end.Idle() || end.Record.Local != nil {
				t.Errorf("%s %q: ends as %s", u.State, u.Detail, end.State)
			}
		}
	}
}
