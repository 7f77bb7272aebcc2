package firewall

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"receptor/transport/wire"
)

// Action is what becomes of a message.
type Action uint8

const (
	Accept Action = iota // it passes
	Reject               // it does not, and its sender is told; a notice about another message never is answered
	Drop                 // it does not, and nobody is told
)

// String is the action as rules write it.
func (a Action) String() string {
	switch a {
	case Accept:
		return "accept"
	case Reject:
		return "reject"
	case Drop:
		return "drop"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

func parseAction(text string) (Action, error) {
	for _, a := range []Action{Accept, Reject, Drop} {
		if strings.EqualFold(text, a.String()) {
			return a, nil
		}
	}
	return Accept, fmt.Errorf("unknown action: %s", text)
}

// rule is a Rule ready to be matched.
type rule struct {
	action                 Action
	fromNode, toNode       node
	fromService, toService service
}

func (r *rule) matches(m *message) bool {
	return r.fromNode.matches(m.fromNode) && r.toNode.matches(m.toNode) &&
		r.fromService.matches(m.fromService) && r.toService.matches(m.toService)
}

// node is a criterion on the name of a node; the zero value matches all.
type node struct {
	exact   string
	pattern *regexp.Regexp
}

func (n *node) matches(name string) bool {
	if n.pattern != nil {
		return n.pattern.MatchString(name)
	}
	return n.exact == "" || n.exact == name
}

// service is a criterion on a service; the zero value matches all.
type service struct {
	exact   wire.Service
	pattern *regexp.Regexp
}

func (s *service) matches(svc wire.Service) bool {
	if s.pattern != nil {
		return s.pattern.MatchString(svc.String())
	}
	return s.exact == wire.Service{} || s.exact == svc
}

func compileRule(r Rule) (rule, error) {
	var c rule
	var err error
	if c.action, err = parseAction(r.Action); err != nil {
		return c, err
	}
	if c.fromNode, err = compileNode("fromnode", r.FromNode); err != nil {
		return c, err
	}
	if c.toNode, err = compileNode("tonode", r.ToNode); err != nil {
		return c, err
	}
	if c.fromService, err = compileService("fromservice", r.FromService); err != nil {
		return c, err
	}
	c.toService, err = compileService("toservice", r.ToService)
	return c, err
}

func compileNode(key, text string) (node, error) {
	if !strings.HasPrefix(text, "/") {
		return node{exact: text}, nil
	}
	pattern, err := compilePattern(key, text)
	return node{pattern: pattern}, err
}

// compileService refuses a name that no service can have: the rule would never
// match, and whoever wrote it counts on it.
func compileService(key, text string) (service, error) {
	if strings.HasPrefix(text, "/") {
		pattern, err := compilePattern(key, text)
		return service{pattern: pattern}, err
	}
	exact, err := wire.ParseService(text)
	if err != nil {
		return service{}, fmt.Errorf("%s: %w", key, err)
	}
	return service{exact: exact}, nil
}

// compilePattern compiles /expression/ so that it has to match the whole name.
// The expression is parsed alone first and then written anew: pasted between
// anchors, text such as a)|(b or \Qa would get out of its group.
func compilePattern(key, text string) (*regexp.Regexp, error) {
	inner, closed := strings.CutSuffix(text[1:], "/")
	if !closed {
		return nil, fmt.Errorf("%s: regular expression %s has no closing slash", key, text)
	}
	parsed, err := syntax.Parse(inner, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pattern, err := regexp.Compile("^(?:" + parsed.String() + ")$")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return pattern, nil
}
