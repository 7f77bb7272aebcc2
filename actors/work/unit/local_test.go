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
	}
}

// Every unit that is loaded or asked is final in the end, whatever its runner does.
func TestLocalAlwaysEnds(t *testing.T) {
	for _, u := range []Local{
		local(Pending, DetailWaiting), local(Pending, DetailStarting), live(Pending, DetailLaunching), live(Running, "x"),
	} {
		u.Live = true
		end, _ := u.Step(RunnerGone{Record: u.Record})
		if !end.State.Final() || !end.Idle() || end.Record.Local != nil {
			t.Errorf("%s %q: ends as %s", u.State, u.Detail, end.State)
		}
	}
}
