package command

import (
	"errors"
	"regexp"
	"strings"

	workv1 "receptor/proto/work/v1"
)

// Request is what a client asks for: one of the types below.
type Request interface{ request() }

// Status asks for the state of the node; Fields are the wanted members, if not All.
type Status struct {
	All    bool
	Fields []string
}

// Ping asks whether a node answers.
type Ping struct{ Target string }

// Traceroute asks which nodes lie on the way to another.
type Traceroute struct{ Target string }

// Connect asks for a stream to a service; the session then belongs to it.
type Connect struct{ Node, Service, TLS string }

// Reload asks to read the configuration again; with DryRun only to tell what would
// change. That is a command of its own, because existing nodes reload whatever
// follows the word.
type Reload struct{ DryRun bool }

// Submit asks for a new unit of work; its payload follows.
type Submit struct {
	Node, WorkType string
	Params         map[string]string
	TLSClient, TTL string
	SignWork       bool
	Signature      string
	// Key names the request: a repeat finds the unit of the first one.
	Key string
}

// ListUnits asks for the status of one unit, if Unit is not empty, or of all that
// pass, in the order of their IDs.
type ListUnits struct {
	Unit     string
	States   []workv1.State // any if empty, as the next two
	WorkType string         // for remote units also the type on the other node
	Node     string         // where the work is done
	After    string         // only units whose IDs come after this one
	Limit    int            // at most that many; 0 for all
	Brief    bool           // without ExtraData
}

// UnitStatus asks for the status of a unit.
type UnitStatus struct{ Unit string }

// WatchUnit asks for the status of a unit now and at every change.
type WatchUnit struct{ Unit string }

// WatchUnits asks for the status of many units at every change. The session then
// belongs to it: the client sends "+UNIT" and "-UNIT" on lines of their own.
type WatchUnits struct{}

// Features asks what this node can do beyond the existing system.
type Features struct{}

// Drain asks the node to take no new work, or with Resume to take it again.
type Drain struct{ Resume bool }

// Cancel asks to end the work of a unit.
type Cancel struct{ Unit, Signature string }

// Release asks to forget a unit; with Force whatever its remote node says.
type Release struct {
	Unit, Signature string
	Force           bool
}

// Results asks for the output of a unit from an offset on; the session then
// belongs to it.
type Results struct {
	Unit, Signature string
	Offset          int64
}

func (Status) request()     {}
func (Ping) request()       {}
func (Traceroute) request() {}
func (Connect) request()    {}
func (Reload) request()     {}
func (Submit) request()     {}
func (ListUnits) request()  {}
func (UnitStatus) request() {}
func (WatchUnit) request()  {}
func (WatchUnits) request() {}
func (Features) request()   {}
func (Drain) request()      {}
func (Cancel) request()     {}
func (Release) request()    {}
func (Results) request()    {}

var (
	errUnknown    = errors.New("Unknown command") //nolint:staticcheck // the text is protocol
	errBadCommand = errors.New("bad command")
)

// httpRequest is the first line of a request of HTTP.
var httpRequest = regexp.MustCompile(`^[A-Z]+ \S+ HTTP/\d(\.\d)?$`)

// IsHTTP reports that a line comes from a browser. Any page can have its reader's
// browser send a text of its choice to a port of the reader's machine, headers
// first: a service that went on to the text would let every page give commands.
func IsHTTP(line []byte) bool { return httpRequest.Match(line) }

// Parse reads one line, without its line end. The text of the error is meant for
// the client.
func Parse(line []byte) (Request, error) {
	if len(line) > 0 && line[0] == '{' {
		return parseJSON(line)
	}
	return parseLine(string(line))
}

// parseLine reads the line form: the command word, one blank, the rest.
func parseLine(line string) (Request, error) {
	word, rest, _ := strings.Cut(line, " ")
	parse, ok := lineForms[strings.ToLower(word)]
	if !ok {
		return nil, errUnknown
	}
	return parse(rest)
}

// parseJSON reads the JSON form: an object on one line.
func parseJSON(line []byte) (Request, error) {
	o, err := parseObject(line)
	if err != nil {
		return nil, err
	}
	name, state := o.text("command")
	switch state {
	case absent:
		return nil, errors.New("JSON did not contain a command")
	case otherType:
		return nil, errors.New("command must be a string")
	}
	parse, ok := jsonForms[name]
	if !ok {
		return nil, errUnknown
	}
	return parse(o)
}

// lineForms is the table of commands in the line form. What follows the command
// word and its blank is given to the entry.
var lineForms = map[string]func(rest string) (Request, error){
	"status":     lineStatus,
	"ping":       linePing,
	"traceroute": lineTraceroute,
	"connect":    lineConnect,
	"reload":     func(string) (Request, error) { return Reload{}, nil },
	"tree":       lineTree,
	"events":     lineEvents,

	"reload-dry-run": func(string) (Request, error) { return Reload{DryRun: true}, nil },
	"work":           lineWork,
}

// jsonForms is the table of commands in the JSON form.
var jsonForms = map[string]func(o object) (Request, error){
	"status":     jsonStatus,
	"ping":       jsonPing,
	"traceroute": jsonTraceroute,
	"connect":    jsonConnect,
	"reload":     func(object) (Request, error) { return Reload{}, nil },
	"tree":       jsonTree,
	"events":     jsonEvents,
	"act":        jsonAct,

	"reload-dry-run": func(object) (Request, error) { return Reload{DryRun: true}, nil },
	"work":           jsonWork,
}
