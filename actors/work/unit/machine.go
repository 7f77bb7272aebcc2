package unit

import "time"

// Action is something the unit's actor does after a step, in the given order.
type Action struct {
	Do      Do
	Text    string // of an answer: why not; empty means it was done
	Pending bool   // of an answer: not done yet, but remembered
}

// Do is the kind of an action.
type Do int

const (
	Save        Do = iota // write the record to disk, then show it
	Show                  // show the record; it is no transition
	Launch                // start the runner
	Interrupt             // tell the runner to cancel
	Delete                // remove the directory, then answer all who wait for an end
	Connect               // start the monitor, anew if there is one
	Disconnect            // stop the monitor
	MarkRelease           // write down that the unit is to be released
	Watch                 // watch a runner of an earlier daemon, and stop what a dead one left behind
	AnswerStart           // to whoever waits for Start
	AnswerEnd             // to all who wait for Cancel and Release
)

var doNames = [...]string{
	"save", "show", "launch", "interrupt", "delete",
	"connect", "disconnect", "mark-release", "watch", "answer-start", "answer-end",
}

func (d Do) String() string { return doNames[d] }

func (a Action) String() string {
	s := a.Do.String()
	if a.Pending {
		s += "(pending)"
	}
	if a.Text != "" {
		s += "(" + a.Text + ")"
	}
	return s
}

func do(kinds ...Do) []Action {
	actions := make([]Action, len(kinds))
	for i, k := range kinds {
		actions[i].Do = k
	}
	return actions
}

func answer(to Do, text string) Action { return Action{Do: to, Text: text} }

func pending(to Do) Action { return Action{Do: to, Pending: true} }

// Event is what a machine reacts to.
type Event any

// Events of both kinds of unit.
type (
	// PayloadEnded says that the payload is complete, or why it is not.
	PayloadEnded struct{ Error string }
	// CancelAsked and ReleaseAsked come from clients.
	CancelAsked  struct{}
	ReleaseAsked struct{ Force bool }
)

// Events of local units.
type (
	// Launched says that the runner is up.
	Launched struct{ Pid int }
	// LaunchFailed says why it is not.
	LaunchFailed struct{ Error string }
	// Reported is what the runner wrote into the status file.
	Reported struct{ Record Record }
	// RunnerGone says that no process of the runner is left to report; Record is
	// what the status file says now, Size the bytes of output, and Left how many
	// processes of the command could not be stopped.
	RunnerGone struct {
		Record Record
		Size   int64
		Left   int
	}
)

// Events of units that pods do.
type (
	// PodReached: the pod has come so far.
	PodReached struct {
		Stage           PodStage
		Namespace, Name string
	}
	// PodEnded is how the unit ends. Gone: there is no pod any more.
	PodEnded struct {
		State  State
		Detail string
		Gone   bool
	}
	// PodDeleted: there is no pod any more.
	PodDeleted struct{}
)

// Events of remote units, and of pods.
type (
	// Unreached: a session with the remote node failed, or could not be had.
	Unreached struct {
		Error string
		Fatal bool // trying again will not help
	}
	// Accepted: the remote unit has an ID. Started: it has its payload, too.
	Accepted struct{ RemoteUnitID string }
	Started  struct{}
	// Refused: the remote node says no.
	Refused struct{ Error string }
	// Gone: the remote node does not know the unit; Size is what we have of its output.
	Gone struct{ Size int64 }
	// RemoteReported is the state on the remote node.
	RemoteReported struct {
		State  State
		Detail string
		Size   int64
	}
	// OutputCopied: the output up to the reported final state is on disk.
	OutputCopied struct{ Size, Announced int64 }
	// OutputFailed: the local disk does not take it.
	OutputFailed struct {
		Error string
		Size  int64
	}
	// EndAnswered: the remote node answered to cancel or release.
	EndAnswered struct {
		Release bool
		Error   string
	}
	// Expired: the time to start is over. Attempts and Error are those of the monitor.
	Expired struct {
		Now      time.Time
		Attempts uint32
		Error    string
	}
)
