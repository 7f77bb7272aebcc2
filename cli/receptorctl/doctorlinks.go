package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"receptor/cli/receptorctl/client"
	supervisev1 "receptor/proto/supervise/v1"
)

// linkTrouble is what is known of a link, listener or dialler that has failed.
type linkTrouble struct {
	name  string // as the tree names it, below links
	state string // empty for those that are gone
	text  string
	at    time.Time
	works bool // it has failed, and works again
}

// lostShown bounds how many links that are gone are told of.
const lostShown = 5

// troubles asks for the links and their failures; nil if the node keeps them to itself.
func troubles(s *client.Session) []linkTrouble {
	reply, err := askOn(s, question{"command": "status", "requested_fields": []string{"LinkTree"}})
	if err != nil {
		return nil
	}
	var told struct{ LinkTree json.RawMessage }
	family := &supervisev1.Actor{}
	if json.Unmarshal(reply, &told) != nil || told.LinkTree == nil || readProto(told.LinkTree, family) != nil {
		return nil
	}
	return linkTroubles(family, time.Now())
}

func linkTroubles(links *supervisev1.Actor, now time.Time) []linkTrouble {
	here, gone := []linkTrouble{}, []linkTrouble{}
	var visit func(a *supervisev1.Actor)
	visit = func(a *supervisev1.Actor) {
		if a.GetLastFailure() != "" && a != links {
			works := a.GetState() == supervisev1.State_STATE_RUNNING && a.GetAttempt() == 0
			here = append(here, linkTrouble{
				name: relative(a.GetPath(), links.GetPath()), state: stateText(a), works: works,
				text: troubleText(a, now), at: a.GetLastFailureTime().AsTime(),
			})
		}
		for _, l := range a.GetLost() {
			gone = append(gone, linkTrouble{
				name: relative(l.GetPath(), links.GetPath()), at: l.GetTime().AsTime(),
				text: failureText(l.GetFailure(), l.GetTime(), now),
			})
		}
		for _, c := range a.GetChildren() {
			visit(c)
		}
	}
	visit(links)
	slices.SortFunc(gone, func(a, b linkTrouble) int { return b.at.Compare(a.at) })
	return append(here, gone[:min(len(gone), lostShown)]...)
}

func stateText(a *supervisev1.Actor) string {
	return strings.ToLower(strings.TrimPrefix(a.GetState().String(), "STATE_"))
}

func troubleText(a *supervisev1.Actor, now time.Time) string {
	text := failureText(a.GetLastFailure(), a.GetLastFailureTime(), now)
	if a.GetNextTry() != nil {
		text += ", " + nextTry(a.GetNextTry().AsTime().Sub(now))
	}
	return text
}

func (l linkTrouble) report(d *doctor) {
	switch {
	case l.state == "":
		d.warning("link", l.name+" is gone: "+l.text, cmp.Or(knownAdvice(l.text), "The neighbour dials again, if it can."))
	case l.works:
		d.ok("link", "%s works again: %s", l.name, l.text)
	default:
		d.failure("link", fmt.Sprintf("%s is %s: %s", l.name, l.state, l.text),
			cmp.Or(knownAdvice(l.text), "Look at the log of this node and of its neighbour."))
	}
}

// knownAdvice is empty for failures that say nothing of their cause.
func knownAdvice(text string) string {
	switch {
	case strings.Contains(text, "disagree about the connection cost"):
		return "Give the link the same cost at both ends: cost, or nodecost of the listener."
	case strings.Contains(text, "connection refused"):
		return "Nobody listens at that address: does the other node run, with a listener on that port?"
	case strings.Contains(text, "no such host"), strings.Contains(text, "lookup "):
		return "The name is not known here: look at the address in the configuration, and at DNS."
	case strings.Contains(text, "timeout"), strings.Contains(text, "timed out"), strings.Contains(text, "no route to host"), strings.Contains(text, "unreachable"):
		return "Nothing comes back from that address: look at the address, the network and firewalls in between."
	case strings.Contains(text, "certificate"), strings.Contains(text, "x509"), strings.Contains(text, "tls:"):
		return "The two ends do not agree about certificates: compare tls-client and tls-server, and the names in the certificates."
	case strings.Contains(text, "address already in use"):
		return "Another program has that port: stop it, or take another port."
	case strings.Contains(text, "allowed"), strings.Contains(text, "reject"):
		return "One of the two nodes does not want the other: look at allowedpeers, and that node IDs are not used twice."
	}
	return ""
}

// certificate is one that the node says will expire soon, or has.
type certificate struct {
	Config, File string
	Expires      time.Time
}

func (d *doctor) certificates(reply json.RawMessage) {
	var told struct{ ExpiringCertificates []certificate }
	if err := json.Unmarshal(reply, &told); err != nil {
		d.warning("certificate", "the node's list of certificates can't be read: "+err.Error(), "Look at its log.")
		return
	}
	now := time.Now()
	for _, c := range told.ExpiringCertificates {
		what := fmt.Sprintf("%s of %s", cmp.Or(c.File, "a certificate"), c.Config)
		const advice = "Have a new one signed, put it in that place, and enter receptorctl reload."
		if left := c.Expires.Sub(now); left > 0 {
			d.warning("certificate", what+" expires in "+age(left), advice)
		} else {
			d.failure("certificate", what+" has expired "+age(-left)+" ago", advice)
		}
	}
}
