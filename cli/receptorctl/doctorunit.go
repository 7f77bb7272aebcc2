package main

import (
	"errors"
	"fmt"
	"time"

	"receptor/cli/receptorctl/client"
)

// remoteUnit is what a unit remembers of the node that does the work.
type remoteUnit struct {
	RemoteNode, RemoteWorkType, RemoteUnitID, TLSClient string
	RemoteStarted, SignWork                             bool
	LocalCancelled, LocalReleased                       bool
	Expiration                                          time.Time
}

func (d *doctor) state(id string, u unitStatus) {
	text := fmt.Sprintf("%s is %s: %s", id, u.StateName, u.Detail)
	switch u.State {
	case stateFailed:
		d.failure("unit", text, "To see what it said: "+d.settings.command("work", "logs", id)+".")
	case stateCanceled:
		d.warning("unit", text, "It stays until it is released: "+d.settings.command("work", "release", id)+".")
	case statePending:
		d.warning("unit", text, "It waits for its turn, its payload, or the node that runs it.")
	default:
		d.ok("unit", "%s", text)
	}
	if string(u.ExtraData) == `"Unknown WorkType"` {
		d.failure("work type", u.WorkType+" is not in the configuration of "+d.mesh.self, "Put it back, or release the unit.")
	}
}

// farUnit looks at the node that does the work, and at what it says.
func (d *doctor) farUnit(id string, u unitStatus, far remoteUnit) {
	if (far.LocalCancelled || far.LocalReleased) && u.State < stateSucceeded {
		d.warning("unit", fmt.Sprintf("it is being ended, and %s has not been told yet", far.RemoteNode),
			"That is tried again and again. To forget it whatever becomes of it there: "+d.settings.command("work", "release", "--force", id)+".")
	}
	if !d.wayTo(far.RemoteNode) {
		if !far.Expiration.IsZero() && far.Expiration.Year() > 1 && !far.RemoteStarted {
			d.warning("ttl", "it fails if it has not started by "+far.Expiration.Local().Format(time.DateTime), "")
		}
		return
	}
	d.workType(far)
	d.controlOf(far.RemoteNode, far.TLSClient)
	if far.RemoteUnitID == "" {
		if u.State < stateSucceeded {
			d.warning("remote", "the unit has not come to "+far.RemoteNode+" yet", "That is tried again and again; Detail says what is in the way: "+u.Detail)
		}
		return
	}
	d.askFar(u, far)
}

// workType looks whether the other node does such work at all.
func (d *doctor) workType(far remoteUnit) {
	var names []string
	for _, ad := range d.st.Advertisements {
		if ad.NodeID != far.RemoteNode {
			continue
		}
		for _, wc := range ad.WorkCommands {
			if wc.WorkType != far.RemoteWorkType {
				names = append(names, wc.WorkType)
				continue
			}
			if wc.Secure && !far.SignWork {
				d.warning("work type", fmt.Sprintf("%s on %s wants signed work", wc.WorkType, far.RemoteNode), "Submit with --signwork.")
				return
			}
			d.ok("work type", "%s is offered by %s", wc.WorkType, far.RemoteNode)
			return
		}
	}
	d.failure("work type", fmt.Sprintf("%s does not offer %s", far.RemoteNode, far.RemoteWorkType),
		didYouMean(far.RemoteWorkType, names)+"It offers: "+someOf(names)+".")
}

// askFar compares what the other node says of the unit.
func (d *doctor) askFar(u unitStatus, far remoteUnit) {
	err := d.tryStream(far.RemoteNode, control, far.TLSClient, func(s *client.Session) {
		if err := s.Handshake(); err != nil {
			return // has been told
		}
		line, err := client.Line("work", "status", far.RemoteUnitID)
		if err != nil {
			d.failure("remote", err.Error(), "")
			return
		}
		reply, err := s.Command(line)
		var refused *client.RemoteError
		switch {
		case errors.As(err, &refused) && u.final():
			d.ok("remote", "%s has forgotten the unit, which is over: %s", far.RemoteNode, refused.Text)
			return
		case err != nil:
			d.failure("remote", fmt.Sprintf("%s does not know the unit: %s", far.RemoteNode, remoteText(err)),
				"It was released there, or its data directory is gone. Release it here and submit it again.")
			return
		}
		there, err := readUnit(reply)
		if err != nil {
			d.failure("remote", err.Error(), "")
			return
		}
		d.compare(u, there, far)
	})
	if err != nil {
		d.failure("remote", far.RemoteNode+" can't be asked: "+remoteText(err), streamAdvice(remoteText(err)))
	}
}

func (d *doctor) compare(here, there unitStatus, far remoteUnit) {
	text := fmt.Sprintf("on %s it is %s, %s of output there and %s here", far.RemoteNode, there.StateName,
		sizeText(there.StdoutSize), sizeText(here.StdoutSize))
	if there.final() && !here.final() {
		d.warning("remote", text, "The news is on its way; output that is missing is fetched first.")
		return
	}
	d.ok("remote", "%s", text)
}
