package command

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	workv1 "receptor/proto/work/v1"
)

// unitStatus is a unit as clients see it.
type unitStatus struct {
	Detail     string
	ExtraData  json.RawMessage `json:",omitempty"`
	State      int32
	StateName  string
	StdoutSize int64
	WorkType   string
}

var stateNames = [...]string{"Pending", "Running", "Succeeded", "Failed", "Canceled"}

func stateName(s workv1.State) string {
	if s < 0 || int(s) >= len(stateNames) {
		return "Unknown: " + strconv.Itoa(int(s))
	}
	return stateNames[s]
}

func unitOf(s *workv1.Status) unitStatus {
	return unitStatus{
		Detail:     s.GetDetail(),
		ExtraData:  extraData(s.GetExtraData()),
		State:      int32(s.GetState()),
		StateName:  stateName(s.GetState()),
		StdoutSize: s.GetStdoutSize(),
		WorkType:   s.GetWorkType(),
	}
}

// extraData is JSON text already; what is not becomes a string.
func extraData(text string) json.RawMessage {
	switch {
	case text == "":
		return json.RawMessage("null")
	case json.Valid([]byte(text)):
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage("null")
	}
	return quoted
}

// UnitReply is the answer to UnitStatus, and one line of WatchUnit.
func UnitReply(s *workv1.Status) []byte { return encode(unitOf(s)) }

// UnitsReply is the answer to ListUnits, in the order of IDs.
func UnitsReply(units []*workv1.Status) []byte {
	reply := make(map[string]unitStatus, len(units))
	for _, s := range units {
		reply[s.GetUnitId()] = unitOf(s)
	}
	return encode(reply)
}

// briefUnit is a unit in a brief list: what does the work, and where.
type briefUnit struct {
	Created    string `json:",omitempty"` // RFC 3339; not there if unknown
	Detail     string
	Node       string
	State      int32
	StateName  string
	StdoutSize int64
	WorkType   string
}

// BriefUnitsReply is the answer to ListUnits in brief. self is this node.
func BriefUnitsReply(units []*workv1.Status, self string) []byte {
	reply := make(map[string]briefUnit, len(units))
	for _, s := range units {
		reply[s.GetUnitId()] = briefUnit{
			Created: timeText(s.GetCreatedUnixNs()), Detail: s.GetDetail(), Node: cmp.Or(s.GetRemoteNode(), self),
			State: int32(s.GetState()), StateName: stateName(s.GetState()),
			StdoutSize: s.GetStdoutSize(), WorkType: cmp.Or(s.GetRemoteWorkType(), s.GetWorkType()),
		}
	}
	return encode(reply)
}

func timeText(unixNs int64) string {
	if unixNs == 0 {
		return ""
	}
	return time.Unix(0, unixNs).UTC().Format(time.RFC3339Nano)
}

// UnitExists is the answer to a repeated Submit whose unit has its payload; no
// payload follows.
func UnitExists(unit string) []byte {
	return []byte("Work unit exists with ID " + unit + ".\n")
}

// FeaturesReply is the answer to Features.
func FeaturesReply() []byte {
	return encode(map[string][]string{"features": {FeatureKey, FeatureWatch}})
}

// watchedUnit is one line of WatchUnits.
type watchedUnit struct {
	UnitID string `json:"unitid"`
	Gone   bool   `json:"gone,omitempty"`
	*unitStatus
}

// WatchedUnit is one line of WatchUnits.
func WatchedUnit(s *workv1.Status) []byte {
	line := watchedUnit{UnitID: s.GetUnitId(), Gone: s.GetGone()}
	if !s.GetGone() {
		status := unitOf(s)
		status.ExtraData = nil // nobody follows that, and it may be long
		line.unitStatus = &status
	}
	return encode(line)
}

// KeepAlive is a line of WatchUnits that says nothing, in time.
const KeepAlive = "{}\n"

// DrainReply is the answer to Drain.
func DrainReply(draining bool, unfinished int64) []byte {
	return encode(map[string]any{"draining": draining, "unfinished": unfinished})
}

// StartedReply is the answer when the payload is complete; pending means that the
// remote node could not be reached yet.
func StartedReply(unit string, pending bool) []byte {
	result := "Job Started"
	if pending {
		result = "Job Submitted"
	}
	return encode(map[string]string{"result": result, "unitid": unit})
}

// CancelReply is the answer to Cancel.
func CancelReply(unit string, pending bool) []byte {
	return endReply("cancelled", "cancel pending", unit, pending)
}

// ReleaseReply is the answer to Release.
func ReleaseReply(unit string, pending bool) []byte {
	return endReply("released", "release pending", unit, pending)
}

func endReply(done, later, unit string, pending bool) []byte {
	if pending {
		done = later
	}
	return encode(map[string]string{done: unit})
}
