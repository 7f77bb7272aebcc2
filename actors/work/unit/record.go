package unit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// TypeRemote is the work type of units that run on another node.
const TypeRemote = "remote"

// Record is the content of a status file.
type Record struct {
	State      State
	Detail     string
	StdoutSize int64 // bytes of output known to be written
	WorkType   string
	Local      *LocalData      // of command units; nil when their runner has ended
	Remote     *RemoteData     // of units that run on another node
	Kube       *KubeData       // of units that a pod does
	Other      json.RawMessage // of types this node does not know
}

// LocalData is the ExtraData of a command unit.
type LocalData struct {
	Pid    int // of the runner, 0 before its start
	Params string
}

// RemoteData is the ExtraData of a remote unit.
type RemoteData struct {
	RemoteNode     string
	RemoteWorkType string
	RemoteParams   map[string]string
	RemoteUnitID   string // empty until known
	RemoteStarted  bool
	LocalCancelled bool
	LocalReleased  bool
	SignWork       bool
	TLSClient      string
	Expiration     time.Time // zero for none
}

// KubeData is the ExtraData of a unit that a pod does.
type KubeData struct {
	Image         string
	Command       string
	Params        string
	KubeNamespace string
	KubeConfig    string // text of a kubeconfig; a secret
	KubePod       string // text of a pod definition; a secret
	PodName       string // of a pod that may exist; empty when it surely does not
}

// file is the order of members in a status file.
type file struct {
	State      State
	Detail     string
	StdoutSize int64
	WorkType   string
	ExtraData  json.RawMessage
}

// Encode returns the content of the status file.
func (r Record) Encode() ([]byte, error) {
	extra, err := r.extra()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(file{r.State, r.Detail, r.StdoutSize, r.WorkType, extra})
	return append(text, '\n'), err
}

// Decode reads the content of a status file.
func Decode(text []byte) (Record, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return Record{}, err
	}
	r := Record{State: f.State, Detail: f.Detail, StdoutSize: f.StdoutSize, WorkType: f.WorkType}
	if f.State < Pending || f.State > Canceled {
		return Record{}, fmt.Errorf("state %d is none", int(f.State))
	}
	if f.WorkType == "" {
		return Record{}, errors.New("work type is missing")
	}
	return r, r.decodeExtra(f.ExtraData)
}

func (r *Record) decodeExtra(extra json.RawMessage) error {
	isNull := len(extra) == 0 || string(extra) == "null"
	switch {
	case r.WorkType == TypeRemote && isNull:
		return errors.New("remote unit without its data")
	case isNull:
		return nil
	case r.WorkType == TypeRemote:
		r.Remote = &RemoteData{}
		return json.Unmarshal(extra, r.Remote)
	}
	var local struct {
		Pid    *int
		Params *string
	}
	if err := json.Unmarshal(extra, &local); err == nil && local.Pid != nil && local.Params != nil {
		r.Local = &LocalData{Pid: *local.Pid, Params: *local.Params}
		return nil
	}
	var kube struct {
		KubeData
		PodName, KubeNamespace *string
	}
	if err := json.Unmarshal(extra, &kube); err == nil && kube.PodName != nil && kube.KubeNamespace != nil {
		r.Kube = &kube.KubeData
		r.Kube.PodName, r.Kube.KubeNamespace = *kube.PodName, *kube.KubeNamespace
		return nil
	}
	r.Other = extra
	return nil
}

func (r Record) extra() (json.RawMessage, error) {
	switch {
	case r.Remote != nil:
		data := *r.Remote
		if data.RemoteParams == nil {
			data.RemoteParams = map[string]string{}
		}
		return json.Marshal(data)
	case r.Local != nil:
		return json.Marshal(r.Local)
	case r.Kube != nil:
		return json.Marshal(r.Kube)
	case r.Other != nil:
		return r.Other, nil
	default:
		return json.RawMessage("null"), nil
	}
}

// UnknownType is the ExtraData that clients see of a unit this node can't handle.
const UnknownType = `"Unknown WorkType"`

// Shown is the ExtraData as clients may see it: without secrets.
func (r Record) Shown() (string, error) {
	if r.Other != nil {
		return UnknownType, nil
	}
	if r.Remote != nil {
		data := *r.Remote
		data.RemoteParams = maps.Clone(data.RemoteParams)
		maps.DeleteFunc(data.RemoteParams, func(name, _ string) bool { return Secret(name) })
		r.Remote = &data
	}
	if r.Kube != nil {
		data := *r.Kube
		data.KubeConfig, data.KubePod = "", ""
		r.Kube = &data
	}
	extra, err := r.extra()
	return string(extra), err
}

// Secret reports whether a work parameter must not be shown, nor sent in clear.
func Secret(param string) bool {
	return len(param) >= 7 && strings.EqualFold(param[:7], "secret_")
}

// clone lets a machine change its record without changing its predecessor's.
func (r Record) clone() Record {
	if r.Local != nil {
		local := *r.Local
		r.Local = &local
	}
	if r.Remote != nil {
		remote := *r.Remote
		r.Remote = &remote
	}
	if r.Kube != nil {
		kube := *r.Kube
		r.Kube = &kube
	}
	return r
}
