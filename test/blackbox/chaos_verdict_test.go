package blackbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"receptor/test/blackbox/harness"
)

// prefix compares what is written with what is wanted as it comes.
type prefix struct {
	want  []byte
	at    int
	wrong error
}

func (p *prefix) Write(b []byte) (int, error) {
	for i, c := range b {
		if p.at+i >= len(p.want) || p.want[p.at+i] != c {
			p.wrong = fmt.Errorf("output differs from byte %d of %d: %.40q", p.at+i, len(p.want), b[i:])
			return i, p.wrong
		}
	}
	p.at += len(b)
	return len(b), nil
}

// judge waits until every unit is final and looks at each. Three that are wrong
// are enough to read.
func (c *chaos) judge(orders []*order) {
	c.w.t.Helper()
	start := time.Now()
	ctx, done := context.WithTimeout(c.w.ctx, settleTime)
	defer done()
	units := make([]map[string]harness.Unit, len(c.nodes))
	err := harness.Until(ctx, "all units to be final", func() error { return c.final(ctx, units) })
	if err != nil {
		c.w.t.Error(err)
	}
	c.w.t.Logf("all units are final %v after the trouble", time.Since(start).Round(time.Millisecond))
	wrong, tally := 0, map[string]int{}
	for _, o := range orders {
		verdict, err := c.verdict(o, units[o.from])
		tally[verdict]++
		if err != nil && wrong < 3 {
			wrong++
			c.w.t.Errorf("%s: %v\n%s", o.token, err, c.evidence(o, units[o.from][o.unit]))
		}
	}
	c.w.t.Logf("%v, %d events", tally, len(c.events))
	if c.w.t.Failed() {
		c.w.t.Fatalf("seed %d; the last events:\n%s", c.seed, strings.Join(c.events[max(0, len(c.events)-60):], "\n"))
	}
	c.clear(units, orders)
}

// final lists the units of all nodes and wants them to be in a final state.
func (c *chaos) final(ctx context.Context, units []map[string]harness.Unit) error {
	var open []error
	for i, n := range c.nodes {
		units[i] = nil
		if err := n.AskJSON(ctx, "work list", &units[i]); err != nil {
			return err
		}
		for id, u := range units[i] {
			if u.State < harness.Succeeded && len(open) < 5 {
				open = append(open, fmt.Errorf("%s on %s (%s): %s, %s, %d bytes", id, n.ID, tokenOf(u), u.StateName, u.Detail, u.StdoutSize))
			}
		}
	}
	return errors.Join(open...)
}

// verdict says what came of a job, and what is wrong with it.
func (c *chaos) verdict(o *order, units map[string]harness.Unit) (string, error) {
	ran := c.w.executions(o.job)
	u, known := units[o.unit]
	switch {
	case o.outcome != nil:
		return "wrong", o.outcome
	case ran > 1:
		return "wrong", fmt.Errorf("executed %d times", ran)
	case o.unit == "":
		return "lost", nil // whatever the node has of it is final: judge has seen it
	case !known && o.asked && o.fate >= released:
		return "released", nil
	case !known:
		return "wrong", errors.New("the unit is unknown")
	}
	return u.StateName, errors.Join(c.explained(o, u), c.executed(o, u, ran), c.printed(o, u))
}

// explained wants a reason for the state that fits what was done to the unit.
func (c *chaos) explained(o *order, u harness.Unit) error {
	hit := c.hits[o.token]
	says := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(u.Detail, text) {
				return true
			}
		}
		return false
	}
	switch {
	case u.State == harness.Succeeded && o.exit == 0:
	case u.State == harness.Canceled && o.asked:
	case u.State != harness.Failed:
		return errors.New("nothing explains this state")
	case o.exit != 0 && strings.HasPrefix(u.Detail, fmt.Sprintf("exit status %d", o.exit)):
	case o.asked && says("Locally Cancelled"):
	case o.lost != nil && says("Error reading input data: ", "Pending at restart"):
	case hit&hitCommand != 0 && says("signal: killed"):
	case hit&hitRunner != 0 && says("the command runner died", "signal: killed"): // its fork looks like it at first
	default:
		return errors.New("nothing explains this failure")
	}
	return nil
}

// executed compares state and marks.
func (c *chaos) executed(o *order, u harness.Unit, ran int) error {
	byItself := u.State == harness.Succeeded || strings.HasPrefix(u.Detail, "exit status")
	if byItself && ran == 0 {
		return errors.New("it was never executed")
	}
	return nil
}

// printed wants all output of a unit that ended by itself, and of others nothing
// that is not output.
func (c *chaos) printed(o *order, u harness.Unit) error {
	want, err := o.output()
	if err != nil {
		return err
	}
	got := &prefix{want: want}
	if _, err := o.node().Results(c.w.ctx, o.unit, 0, got); err != nil {
		return errors.Join(err, got.wrong)
	}
	byItself := u.State == harness.Succeeded || strings.HasPrefix(u.Detail, "exit status")
	if byItself && (got.at != len(want) || u.StdoutSize != int64(len(want))) {
		return fmt.Errorf("%d of %d bytes of output, announced are %d", got.at, len(want), u.StdoutSize)
	}
	return nil
}

// clear releases all units where they were submitted. Nothing may be left of remote
// units on the nodes that executed them, then, nor of any others. Only force-release
// may leave something on a node that was away.
func (c *chaos) clear(units []map[string]harness.Unit, orders []*order) {
	c.w.t.Helper()
	abandoned := map[string]bool{}
	for _, o := range orders {
		abandoned[o.node().ID+"/"+o.unit] = o.fate == forced
	}
	for _, remote := range []bool{true, false} {
		for i, n := range c.nodes {
			for id, u := range units[i] {
				key, err := os.ReadFile(filepath.Join(n.DataDir, n.ID, id, "key"))
				elsewhere := err == nil && !abandoned[string(key)] // it is released where it came from
				if elsewhere || (u.WorkType == "remote") != remote {
					continue
				}
				_, err = n.Ask(c.w.ctx, "work release "+id)
				if harness.ErrText(err) != "unknown work unit "+id { // it may have gone meanwhile
					c.w.must(err)
				}
			}
		}
	}
	ctx, done := context.WithTimeout(c.w.ctx, settleTime)
	defer done()
	c.w.must(harness.Until(ctx, "nothing to be left of any unit", func() error {
		var left []error
		for _, n := range c.nodes {
			for _, dir := range c.folders(n) {
				left = append(left, errors.New(listing(dir)))
			}
		}
		return errors.Join(left[:min(3, len(left))]...)
	}))
}

// folders are those of the units on a node.
func (c *chaos) folders(n *harness.Node) []string {
	c.w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(n.DataDir, n.ID))
	c.w.must(err)
	var found []string
	for _, e := range entries {
		if e.IsDir() {
			found = append(found, filepath.Join(n.DataDir, n.ID, e.Name()))
		}
	}
	return found
}

// evidence is what there is to see of a unit where it was submitted, and of all
// units with its token elsewhere.
func (c *chaos) evidence(o *order, u harness.Unit) string {
	var text strings.Builder
	fmt.Fprintf(&text, "unit %s from %s to %s: %s, %q, %d bytes\n",
		o.unit, o.node().ID, c.nodes[o.to].ID, u.StateName, u.Detail, u.StdoutSize)
	fmt.Fprintf(&text, "%+v\nlost: %v, asked: %t, hit: %s\n", *o.job, o.lost, o.asked, c.hits[o.token])
	dirs := []string{filepath.Join(o.node().DataDir, o.node().ID, o.unit)}
	if u.WorkType == "remote" {
		dirs = append(dirs, c.farDirs(u)...)
	}
	for _, dir := range dirs {
		text.WriteString(listing(dir))
	}
	for _, n := range c.nodes {
		log, err := os.ReadFile(n.LogFile)
		if err != nil {
			fmt.Fprintln(&text, err)
		}
		for line := range strings.Lines(string(log)) {
			if o.unit != "" && strings.Contains(line, o.unit) {
				fmt.Fprintf(&text, "%s: %s", n.ID, line)
			}
		}
	}
	return text.String()
}

// farDirs are the directories of the remote unit, if its ID is known.
func (c *chaos) farDirs(u harness.Unit) []string {
	var extra struct{ RemoteNode, RemoteUnitID string }
	if err := json.Unmarshal(u.ExtraData, &extra); err != nil || extra.RemoteUnitID == "" {
		return nil
	}
	return []string{filepath.Join(c.w.Dir, "data", extra.RemoteNode, extra.RemoteUnitID)}
}

// listing is what is in a unit's directory, and the text of small files that are
// neither input nor output.
func listing(dir string) string {
	text := dir + ":\n"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return text + err.Error() + "\n"
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // it was there a moment ago
		}
		text += fmt.Sprintf("  %s %d bytes %s", e.Name(), info.Size(), info.ModTime().Format("15:04:05.000"))
		if e.Name() == "status" || e.Name() == "runner.json" || e.Name() == "key" || e.Name() == "stderr" {
			content, err := os.ReadFile(filepath.Join(dir, e.Name()))
			text += fmt.Sprintf(" %s %v", strings.TrimSpace(string(content)), err)
		}
		text += "\n"
	}
	return text
}
