package blackbox

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// couple is a node that submits and one that executes.
type couple struct {
	*world
	from, to *harness.Node
}

// Whoever submits and whoever executes, every operation on work does what it says.
func TestWorkOperations(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]func(*testing.T) [2]string{
		"ours to ours":   func(*testing.T) [2]string { return [2]string{programs.Receptor, programs.Receptor} },
		"ours to theirs": func(t *testing.T) [2]string { return [2]string{programs.Receptor, peerProgram(t)} },
		"theirs to ours": func(t *testing.T) [2]string { return [2]string{peerProgram(t), programs.Receptor} },
	} {
		t.Run(name, func(t *testing.T) {
			program := program(t)
			c := newCouple(newWorld(t), program)
			for _, operation := range []struct {
				name string
				do   func(*couple)
			}{
				{"submit, status, list, results", (*couple).submits},
				{"cancel", (*couple).cancels},
				{"release", (*couple).releases},
				{"force-release", (*couple).forceReleases},
				{"time to live", (*couple).expires},
				{"signed work", (*couple).signs},
				{"force-release of a unit whose node is gone", (*couple).forceReleasesAlone}, // last
			} {
				t.Run(operation.name, func(t *testing.T) { operation.do(&couple{c.in(t), c.from, c.to}) })
			}
		})
	}
}

// newCouple starts both nodes. Each can sign, and has a type that wants it.
func newCouple(w *world, program [2]string) *couple {
	w.t.Helper()
	private, public := w.signingKeys()
	keys := []string{
		"--work-signing", "privatekey=" + private, "tokenexpiration=5m",
		"--work-verification", "publickey=" + public,
	}
	port := w.port()
	c := &couple{
		world: w,
		from:  w.Node(program[0], "from", harness.Join(harness.Peer(port), keys)...),
		to: w.Node(program[1], "to", harness.Join(harness.Listener(port), keys,
			harness.Command("cat", "cat", ""),
			harness.Command("long", "sh", "-c 'echo begun; exec sleep 600'"),
			append(harness.Command("secure", "cat", ""), "verifysignature=true"))...),
	}
	for _, n := range []*harness.Node{c.to, c.from} {
		n.Foreign = !isOurs(n)
		w.up(n)
	}
	w.must(c.from.Sees(w.ctx, "to"))
	w.must(c.to.Sees(w.ctx, "from"))
	return c
}

// signingKeys makes the two files of a pair of keys.
func (w *world) signingKeys() (private, public string) {
	w.t.Helper()
	private, public = filepath.Join(w.Dir, "sign.key"), filepath.Join(w.Dir, "verify.pem")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	w.must(err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	w.must(err)
	for file, block := range map[string]*pem.Block{
		private: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		public:  {Type: "PUBLIC KEY", Bytes: der},
	} {
		w.must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
	return private, public
}

// begun submits work that runs for long, and waits until output of it is here.
func (c *couple) begun() string {
	c.t.Helper()
	unit, _, err := c.from.Submit(c.ctx, harness.Work{Node: "to", Type: "long"})
	c.must(err)
	c.must(harness.Until(c.ctx, "output of "+unit, func() error {
		size, err := c.from.Output(unit)
		if err == nil && size == 0 {
			u, _ := c.from.Unit(c.ctx, unit) // only to tell
			err = fmt.Errorf("%+v", u)
		}
		return err
	}))
	return unit
}

// gone waits until neither node has a unit, nor the executing one a process of it.
func (c *couple) gone() {
	c.t.Helper()
	c.must(harness.Until(c.ctx, "no unit to be left", func() error {
		for _, n := range []*harness.Node{c.from, c.to} {
			var units map[string]harness.Unit
			if err := n.AskJSON(c.ctx, "work list", &units); err != nil || len(units) > 0 {
				return errors.Join(err, fmt.Errorf("%s has %v", n.ID, units))
			}
			dirs, err := filepath.Glob(filepath.Join(n.DataDir, n.ID, "*", "status"))
			if err != nil || len(dirs) > 0 {
				return errors.Join(err, fmt.Errorf("%v are left", dirs))
			}
		}
		return nil
	}))
}

// says asks and wants one of these answers.
func (c *couple) says(line string, want ...string) {
	c.t.Helper()
	answer, err := c.from.Ask(c.ctx, line)
	c.must(err)
	for _, w := range want {
		if answer == w {
			return
		}
	}
	c.t.Errorf("%s: %s, want %q", line, answer, want)
}

func (c *couple) submits() {
	payload := make([]byte, 300_000)
	_, err := rand.Read(payload)
	c.must(err)
	unit, _, err := c.from.Submit(c.ctx, harness.Work{Node: "to", Type: "cat", Payload: bytes.NewReader(payload)})
	c.must(err)
	u, err := c.from.Finished(c.ctx, unit)
	c.must(err)
	if u.State != harness.Succeeded || u.Detail != "exit status 0" || u.StdoutSize != int64(len(payload)) || u.WorkType != "remote" {
		c.t.Errorf("status: %+v", u)
	}
	var units map[string]harness.Unit
	c.must(c.from.AskJSON(c.ctx, "work list", &units))
	if len(units) != 1 || units[unit].State != u.State || units[unit].StdoutSize != u.StdoutSize {
		c.t.Errorf("list: %+v", units)
	}
	c.wantOutput(c.from, unit, payload)
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()
}

func (c *couple) cancels() {
	unit := c.begun()
	c.says("work cancel "+unit, fmt.Sprintf(`{"cancelled":%q}`, unit))
	u, err := c.from.Finished(c.ctx, unit)
	c.must(err)
	if u.State != harness.Canceled || u.Detail != "Canceled" {
		c.t.Errorf("%+v", u)
	}
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()
}

func (c *couple) releases() {
	unit := c.begun()
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()
}

func (c *couple) forceReleases() {
	unit := c.begun()
	c.says("work force-release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()
}

func (c *couple) expires() {
	unit, result, err := c.from.Submit(c.ctx, harness.Work{Node: "nowhere", Type: "cat", TTL: "1500ms"})
	c.must(err)
	if result != "Job Submitted" {
		c.t.Errorf("the answer is %q", result)
	}
	u, err := c.from.Finished(c.ctx, unit)
	c.must(err)
	if u.State != harness.Failed || !strings.HasPrefix(u.Detail, "Work unit expired on ") {
		c.t.Errorf("%+v", u)
	}
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))

	timely, _, err := c.from.Submit(c.ctx, harness.Work{Node: "to", Type: "cat", Payload: strings.NewReader("in time"), TTL: "1h"})
	c.must(err)
	if u, err := c.from.Finished(c.ctx, timely); err != nil || u.State != harness.Succeeded {
		c.t.Errorf("with an hour to start: %+v, %v", u, err)
	}
	c.says("work release "+timely, fmt.Sprintf(`{"released":%q}`, timely))
	c.gone()
}

func (c *couple) signs() {
	unit, _, err := c.from.Submit(c.ctx, harness.Work{Node: "to", Type: "secure", Payload: strings.NewReader("signed"), Sign: true})
	c.must(err)
	if u, err := c.from.Finished(c.ctx, unit); err != nil || u.State != harness.Succeeded {
		c.t.Errorf("signed: %+v, %v", u, err)
	}
	c.wantOutput(c.from, unit, []byte("signed"))
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()

	unit, _, err = c.from.Submit(c.ctx, harness.Work{Node: "to", Type: "secure", Payload: strings.NewReader("not signed")})
	if text := harness.ErrText(err); !strings.Contains(text, "signature is empty") {
		c.t.Errorf("not signed: %v", err)
	}
	if u, err := c.from.Finished(c.ctx, unit); err != nil || u.State != harness.Failed {
		c.t.Errorf("not signed: %+v, %v", u, err)
	}
	c.says("work release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	c.gone()
}

// forceReleasesAlone clears the local side although the other one is gone.
func (c *couple) forceReleasesAlone() {
	unit := c.begun()
	c.must(c.to.Kill())
	c.must(c.from.Misses(c.ctx, "to"))
	c.says("work force-release "+unit, fmt.Sprintf(`{"released":%q}`, unit))
	if _, err := c.from.Unit(c.ctx, unit); harness.ErrText(err) != "unknown work unit "+unit {
		c.t.Errorf("after force-release: %v", err)
	}
	// The test has to stop the command itself.
	c.must(c.to.Up(c.ctx))
	var units map[string]harness.Unit
	c.must(c.to.AskJSON(c.ctx, "work list", &units))
	if len(units) != 1 {
		c.t.Errorf("the executing node has %v, want the one unit", units)
	}
	for left := range units {
		_, err := c.to.Ask(c.ctx, "work release "+left)
		c.must(err)
	}
}
