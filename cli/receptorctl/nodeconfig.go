package main

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"receptor/cli/internal/smallfile"
	"receptor/cli/receptorctl/client"
)

// nodeConfig is what a client needs to know of a node's configuration file.
type nodeConfig struct {
	socket     string // file of the first control-service that has one
	lacks      string // why there is none
	tlsClients map[string]client.TLS
}

func readConfig(path string) (*nodeConfig, error) {
	data, err := smallfile.Read(path, smallfile.Limit)
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// parseConfig reads both layouts: the list of one-key mappings, and the mapping of
// sections, in which sections that may repeat are lists with a plural name.
func parseConfig(data []byte) (*nodeConfig, error) {
	var top any
	if err := yaml.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("not a YAML file: %w", err)
	}
	cfg := &nodeConfig{lacks: "no control-service in it", tlsClients: map[string]client.TLS{}}
	switch doc := top.(type) {
	case nil:
	case []any:
		for _, item := range doc {
			if action, ok := item.(map[string]any); ok {
				cfg.sections(action)
			}
		}
	case map[string]any:
		cfg.sections(doc)
	default:
		return nil, fmt.Errorf("not a configuration: it holds neither a list nor a mapping")
	}
	return cfg, nil
}

func (cfg *nodeConfig) sections(named map[string]any) {
	for name, value := range named {
		many, isList := value.([]any)
		if !isList {
			many = []any{value}
		}
		for _, one := range many {
			params := lowerKeys(one)
			switch strings.ToLower(name) {
			case "control-service", "control-services":
				cfg.controlService(params)
			case "tls-client", "tls-clients":
				cfg.tlsClient(params)
			}
		}
	}
}

func (cfg *nodeConfig) controlService(params map[string]any) {
	file := text(params["filename"])
	switch {
	case cfg.socket != "":
	case file == "":
		cfg.lacks = "no control-service with a filename in it"
	default:
		cfg.socket = file
	}
}

func (cfg *nodeConfig) tlsClient(params map[string]any) {
	name := text(params["name"])
	if _, taken := cfg.tlsClients[name]; taken {
		return
	}
	cfg.tlsClients[name] = client.TLS{
		RootCAs: text(params["rootcas"]), Cert: text(params["cert"]), Key: text(params["key"]),
		SkipVerify: booleans[strings.ToLower(text(params["insecureskipverify"]))],
	}
}

func lowerKeys(value any) map[string]any {
	out := map[string]any{}
	if params, ok := value.(map[string]any); ok {
		for k, v := range params {
			out[strings.ToLower(k)] = v
		}
	}
	return out
}

func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
