package command

import (
	"encoding/json"
	"errors"
	"strings"
)

func lineStatus(rest string) (Request, error) {
	if rest != "" {
		return nil, errors.New("status command does not take parameters")
	}
	return Status{All: true}, nil
}

func jsonStatus(o object) (Request, error) {
	raw, ok := o["requested_fields"]
	if !ok {
		return Status{All: true}, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil || elements == nil {
		return nil, errors.New("requested_fields must be an array of strings")
	}
	fields := make([]string, len(elements))
	for i, e := range elements {
		if e[0] != '"' || json.Unmarshal(e, &fields[i]) != nil {
			return nil, errors.New("each element of requested_fields must be a string")
		}
	}
	return Status{Fields: fields}, nil
}

func linePing(rest string) (Request, error) {
	if rest == "" {
		return nil, errors.New("no ping target")
	}
	return Ping{Target: rest}, nil
}

func jsonPing(o object) (Request, error) {
	target, state := o.text("target")
	if state == otherType {
		return nil, errors.New("ping target must be string")
	}
	return linePing(target)
}

func lineTraceroute(rest string) (Request, error) {
	if rest == "" {
		return nil, errors.New("no traceroute target")
	}
	return Traceroute{Target: rest}, nil
}

func jsonTraceroute(o object) (Request, error) {
	target, state := o.text("target")
	if state == otherType {
		return nil, errors.New("traceroute target must be string")
	}
	return lineTraceroute(target)
}

func lineConnect(rest string) (Request, error) {
	words := strings.Split(rest, " ")
	switch {
	case len(words) > 3:
		return nil, errors.New("too many parameters")
	case len(words) < 2 || words[0] == "" || words[1] == "":
		return nil, errors.New("no connect target")
	}
	r := Connect{Node: words[0], Service: words[1]}
	if len(words) == 3 {
		r.TLS = words[2]
	}
	return r, nil
}

func jsonConnect(o object) (Request, error) {
	node, state := o.text("node")
	switch {
	case state == otherType:
		return nil, errors.New("connect target node must be string")
	case node == "":
		return nil, errors.New("no connect target node")
	}
	service, state := o.text("service")
	switch {
	case state == otherType:
		return nil, errors.New("connect target service must be string")
	case service == "":
		return nil, errors.New("no connect target service")
	}
	tls, state := o.text("tls")
	if state == otherType {
		return nil, errors.New("connect tls name must be string")
	}
	return Connect{Node: node, Service: service, TLS: tls}, nil
}
