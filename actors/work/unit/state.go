// Package unit is what a unit of work is, without doing any of it: its record as
// the status file shows it, and the state machines of local and remote units. A
// machine takes an event and returns the next machine and what should be done.
package unit

import "fmt"

// State is the state of a unit; the values are those of the status file.
//
//	Pending ──> Running ──> Succeeded | Failed
//	   └───────────┴──────> Succeeded | Failed | Canceled
type State int

const (
	Pending State = iota
	Running
	Succeeded
	Failed
	Canceled
)

var stateNames = [...]string{"Pending", "Running", "Succeeded", "Failed", "Canceled"}

// String is the StateName of replies.
func (s State) String() string {
	if s < Pending || s > Canceled {
		return fmt.Sprintf("Unknown: %d", int(s))
	}
	return stateNames[s]
}

// Final reports whether the unit never moves again.
func (s State) Final() bool { return s >= Succeeded && s <= Canceled }

// CanMove reports whether a unit may go from one state to another. Staying is a
// move: the detail changes.
func CanMove(from, to State) bool {
	return !from.Final() && to >= from && to <= Canceled
}

// Details that other programs know, or that say how far a unit has come.
const (
	DetailCreated      = "Unit Created"
	DetailWaiting      = "Waiting for Input Data"
	DetailStarting     = "Starting Worker" // the payload is complete
	DetailLaunching    = "Launching command runner"
	DetailNotStarted   = "Not started yet"
	DetailCanceled     = "Canceled"
	DetailKilled       = "Killed" // the runner was told to stop by somebody else
	DetailAtRestart    = "Pending at restart"
	DetailLocalCancel  = "Locally Cancelled"
	DetailGone         = "Remote work unit is gone"
	DetailConnecting   = "Connecting to Kubernetes"
	DetailPodCreated   = "Pod created"
	DetailPodInput     = "Sending stdin to pod"
	DetailPodRunning   = "Pod Running"
	DetailFinished     = "Finished"
	DetailRunnerLost   = "the command runner died before it could report the end; the command was stopped"
	prefixInput        = "Error reading input data: "
	prefixStart        = "Error starting worker: "
	prefixRunner       = "Failed to start command runner: "
	prefixTLS          = "TLS error connecting to remote service: "
	prefixOutput       = "Error writing output: "
	prefixEnd          = "error cancelling remote unit: "
	expiredLayout      = "Mon Jan 2 15:04:05"
	textAlreadyStarted = "work unit is already started"
	textEndedBefore    = "work unit ended before it was started"
)

// NotStopped is the detail of a unit whose command has processes that don't end.
func NotStopped(left int) string {
	return fmt.Sprintf("could not stop the command: %d processes are left", left)
}

// DirectoryGone is the detail of a unit whose directory this node did not remove.
func DirectoryGone(path string) string {
	return "the directory of the unit is gone: somebody removed " + path + "; release the unit"
}

// NotRun is the detail of a unit whose runner could not begin.
func NotRun(err error) string { return prefixRunner + err.Error() }

// Awaits reports whether a pending unit with this detail still waits for its
// payload.
func Awaits(detail string) bool {
	return detail == DetailCreated || detail == DetailWaiting || detail == ""
}
