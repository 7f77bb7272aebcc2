package main

import (
	"github.com/urfave/cli/v2"
)

func (t *tool) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "Show version information for receptorctl and the receptor node.",
		Description: "To see the version of receptorctl without a node, use receptorctl --version.",
		Flags:       []cli.Flag{jsonFlag("print as JSON")},
		Action:      t.version,
	}
}

func (t *tool) version(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	s, err := t.dial(c.Context)
	if err != nil {
		return err
	}
	defer s.Close()
	reply, err := s.Command(askVersion)
	if err != nil {
		return err
	}
	t.compareVersion(reply)
	node, err := nodeVersion(reply)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.printJSON(map[string]string{"receptorctl": version, "receptor": node})
	}
	return t.print("receptorctl  " + version + "\nreceptor     " + node + "\n")
}
