package work

import (
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"receptor/actors/work/process"
	"receptor/actors/work/runner"
	"receptor/actors/work/unit"
)

// The kernel gives numbers of processes again. Whoever has that of a runner now is
// neither watched nor signalled.
func TestStrangersWithTheNumberOfARunner(t *testing.T) {
	onStage(t, func(w *world) {
		stranger := exec.Command("sleep", "100")
		stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it leads a session of that number
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stranger.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = stranger.Wait() // it was killed
		})
		who, err := process.Of(stranger.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		earlier, otherBoot := who, who
		earlier.Start--
		otherBoot.BootID = "11111111-2222-3333-4444-555555555555"
		for id, was := range map[string]process.Identity{"earlier1": earlier, "otherbt1": otherBoot} {
			text, err := json.Marshal(runner.Processes{Runner: was, Command: was})
			if err != nil {
				t.Fatal(err)
			}
			d := w.plant(id, unit.Record{
				State: unit.Running, Detail: "Running: PID 1", WorkType: "cat", Local: &unit.LocalData{Pid: who.Pid},
			}, "")
			if err := os.WriteFile(d.RunnerFile(), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// The existing system leaves the number in units that have ended.
		w.plant("oldended", unit.Record{
			State: unit.Succeeded, Detail: "exit status 0", WorkType: "cat", Local: &unit.LocalData{Pid: who.Pid},
		}, "")
		w.plant("oldruns1", unit.Record{
			State: unit.Running, Detail: "Running: PID 1", WorkType: "cat", Local: &unit.LocalData{Pid: who.Pid},
		}, "")
		w.up()
		for _, id := range []string{"earlier1", "otherbt1", "oldruns1"} {
			w.final(id, unit.Failed, unit.DetailRunnerLost)
		}
		for _, id := range []string{"earlier1", "otherbt1", "oldruns1", "oldended"} {
			if w.cancel(id).GetEnded() == nil || w.release(id, false).GetEnded() == nil {
				t.Errorf("%s can't be released", id)
			}
		}
		if !who.Alive() {
			t.Error("the stranger was ended")
		}
	})
}
