package node

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/inspect"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
	"receptor/transport/secure"
)

// remindAfter is how long nothing more is said of a certificate that expires.
const remindAfter = 24 * time.Hour

// Inspector shows what is inside the node to readers in the same process. Events
// and measures of actors are kept only with Config.Debug.
func (n *Node) Inspector() *inspect.Inspector { return n.inspector }

// debugging is what may be seen and done now; a reload may change it. The journal is on
// and off with it, and with the journal the measures of actors.
type debugging struct {
	on bool
	Inspection
}

// acts reports whether operators may act.
func (d debugging) acts() bool { return d.on && d.Actions }

// logOf is the log of a family.
func (p *plan) logOf(family string) zerolog.Logger {
	return p.cfg.Levels.Logger(p.log, rootName+"/"+family)
}

func (p *plan) desk(pids map[string]*actor.PID) func() actor.Actor {
	return inspect.New(inspect.DeskConfig{
		Log: p.log, Root: pids[rootName], Router: pids[familyRouter], Links: pids[familyLinks], Journal: p.journal, Levels: p.cfg.Levels,
		Allowed: func() bool { return p.debug.Load().acts() },
	})
}

// inspect prepares what is seen of the node; before the first actor.
func (p *plan) inspect(system *actor.ActorSystem) *inspect.Inspector {
	supervise.Observe(system, supervise.Observer{Journal: p.journal, Levels: p.cfg.Levels})
	p.system = system
	p.inspector = inspect.NewInspector(inspect.Config{
		NodeID: p.cfg.ID, Version: p.cfg.Version, System: system, Root: rootName, Links: rootName + "/" + familyLinks,
		Plane: p.plane, Journal: p.journal, Certificates: p.certificates,
	})
	return p.inspector
}

// tellReload tells what came of reading the configuration again.
func (p *plan) tellReload(err error) {
	e := &inspectv1.Reloaded{}
	if err != nil {
		e.Error = err.Error()
	}
	p.journal.Add(&inspectv1.Event{What: &inspectv1.Event_Reloaded{Reloaded: e}})
}

// certificates are those that the node shows to others.
func (p *plan) certificates() []*inspectv1.Certificate {
	var list []*inspectv1.Certificate
	for _, c := range p.store.Certificates() {
		list = append(list, &inspectv1.Certificate{
			Config: c.Config, Subject: c.Subject, Expires: timestamppb.New(c.Expires), Soon: c.Soon,
		})
	}
	return list
}

// checkCertificates reads files again that changed, and tells of those that expire.
func (p *plan) checkCertificates() {
	p.store.Check()
	p.reminder.remind(p.store.Certificates(), time.Now(), p.journal)
}

// reminder tells the journal of certificates that expire soon, each once a day.
type reminder struct {
	mu   sync.Mutex // checks may overlap
	told map[string]time.Time
}

func (r *reminder) remind(list []secure.Certificate, now time.Time, journal *events.Journal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := map[string]time.Time{}
	for _, c := range list {
		if !c.Soon {
			continue
		}
		told[c.Config] = r.told[c.Config]
		if now.Sub(told[c.Config]) < remindAfter {
			continue
		}
		told[c.Config] = now
		journal.Add(&inspectv1.Event{What: &inspectv1.Event_CertificateExpires{
			CertificateExpires: &inspectv1.CertificateExpires{
				Config: c.Config, Subject: c.Subject, Expires: timestamppb.New(c.Expires),
			},
		}})
	}
	r.told = told
}
