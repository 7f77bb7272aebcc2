package command

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Connecting is the line after which a session belongs to a stream.
const Connecting = "Connecting\n"

// MaxHops is the last step of a traceroute: the hop limit of the mesh.
const MaxHops = 30

// Banner is the first line of a session.
func Banner(node string) []byte {
	return []byte("Receptor Control, node " + oneLine(node) + "\n")
}

// UnitCreated is the line after which a session belongs to the payload of a unit.
func UnitCreated(unit string) []byte {
	return []byte("Work unit created with ID " + unit + ". Send stdin data and EOF.\n")
}

// Streaming is the line after which a session belongs to the output of a unit.
func Streaming(unit string) []byte {
	return []byte("Streaming results for work unit " + unit + "\n")
}

// Error is the reply to what was refused or failed. Clients cut "ERROR: " off and
// rely on a single line.
func Error(text string) []byte {
	return []byte("ERROR: " + oneLine(text) + "\n")
}

var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

func oneLine(text string) string {
	return lineBreaks.Replace(strings.TrimRight(text, "\r\n"))
}

// encode is a reply in JSON. Maps come out sorted; structs must be declared so.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return Error("could not convert response to JSON: " + err.Error())
	}
	return append(text, '\n')
}

// Probe is the outcome of one ping.
type Probe struct {
	From    string
	Took    time.Duration
	Problem string // empty on success
}

type failure struct {
	Error   string
	Success bool
}

// PingReply is the answer to Ping.
func PingReply(p Probe) []byte {
	if p.Problem != "" {
		return encode(failure{Error: p.Problem})
	}
	return encode(struct {
		From    string
		Success bool
		Time    int64
		TimeStr string
	}{p.From, true, p.Took.Nanoseconds(), p.Took.String()})
}

type step struct {
	Error   string `json:",omitempty"`
	From    string
	Time    int64
	TimeStr string
}

// expired is what a node on the way answers whose hop it was.
const expired = "message expired"

// TraceEnds reports whether the probe with that many hops is the last one.
func TraceEnds(p Probe, hops int) bool {
	return p.Problem != expired || hops >= MaxHops
}

// TraceReply is the answer to Traceroute: the probes by number of hops.
func TraceReply(probes []Probe) []byte {
	steps := make(map[string]step, len(probes))
	for i, p := range probes {
		s := step{From: p.From, Time: p.Took.Nanoseconds(), TimeStr: p.Took.String()}
		if TraceEnds(p, i) {
			s.Error = p.Problem
		}
		steps[strconv.Itoa(i)] = s
	}
	return encode(steps)
}

// Codes of a reload that was refused or failed.
const (
	ReloadNeedsRestart = 3 // the change can't be made while running
	ReloadFailed       = 4 // anything else
)

// ReloadError says why a reload did not happen.
type ReloadError struct {
	Code int
	Text string
}

func (e *ReloadError) Error() string { return e.Text }

// ErrNoReload is the answer of a node that has nothing to read again.
var ErrNoReload = &ReloadError{ReloadFailed, "no configuration file was provided, reload function not set"}

// Change is what a reload does to one part of the node.
type Change struct {
	Action string // start, stop, replace or change
	Item   string
	Why    []string `json:",omitempty"` // parameters that differ, or parts it uses
}

// reloaded is a reload that succeeded. Existing clients look at Success only.
type reloaded struct {
	Changes []Change `json:",omitempty"`
	DryRun  bool     `json:",omitempty"`
	Success bool
}

// ReloadReply is the answer to Reload; a nil error means done.
func ReloadReply(r Reload, changes []Change, err error) []byte {
	if err == nil {
		return encode(reloaded{Changes: changes, DryRun: r.DryRun, Success: true})
	}
	code := ReloadFailed
	var known *ReloadError
	if errors.As(err, &known) {
		code = known.Code
	}
	return encode(failure{Error: oneLine(err.Error()) + " ERRORCODE " + strconv.Itoa(code)})
}
