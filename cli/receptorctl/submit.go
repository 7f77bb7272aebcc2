package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/internal/smallfile"
	"receptor/cli/receptorctl/client"
)

const submitDescription = `Gives a node a unit of work. One of --payload, --payload-literal and --no-payload
says what the unit reads as its standard input. CMDPARAMS are handed to the work
type as its parameters; put "--" before words that begin with "-".

  receptorctl work submit sha256sum --node c --payload big.iso --follow --rm

Without --follow the ID of the unit is printed: see work status and work results.`

func (t *tool) submitCommand() *cli.Command {
	return &cli.Command{
		Name: "submit", Usage: "Submit a new unit of work.", ArgsUsage: "WORKTYPE [CMDPARAMS]...",
		Description: submitDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "node", Usage: "`NODE` to run the work on (default: the node we are connected to)"},
			&cli.StringFlag{Name: "payload", Aliases: []string{"p"}, Usage: "`FILE` with the unit's input; - for standard input"},
			&cli.StringFlag{Name: "payload-literal", Aliases: []string{"l"}, Usage: "`TEXT` (and a line end) as the unit's input"},
			toggle("no-payload", "n", "no input"),
			&cli.StringFlag{Name: "tls-client", Usage: "`NAME` of the TLS client which our node uses to submit to a remote node"},
			&cli.StringFlag{Name: "ttl", Usage: "`DURATION` until remote work must have started, e.g. 1h20m30s or 30m10s"},
			toggle("signwork", "", "digitally sign remote work submissions"),
			toggle("follow", "f", "print the results, and exit like work results"),
			toggle("rm", "", "release the unit at the end"),
			&cli.StringSliceFlag{Name: "param", Aliases: []string{"a"},
				Usage: "additional parameter `KEY=VALUE`; VALUE @FILE is the text of the file, @@TEXT is @TEXT"},
			jsonFlag("print as JSON (with --follow like work results)"),
		},
		Action: t.submit,
	}
}

func (t *tool) submit(c *cli.Context) error {
	if c.Args().Len() == 0 {
		return misusedIn(c, "Missing parameter: worktype")
	}
	payload, closePayload, err := t.payload(c)
	if err != nil {
		return err
	}
	defer closePayload()
	unit, err := submission(c)
	if err != nil {
		return err
	}
	if c.Bool("rm") && !c.Bool("follow") {
		t.warn("using --rm without --follow. Unit results will never be seen.")
	}
	id, reply, err := t.send(c.Context, unit, payload)
	if err == nil {
		err = t.submitted(c, id, reply)
	}
	if c.Bool("rm") && id != "" {
		err = t.remove(c, id, err)
	}
	return err
}

// submitted prints the ID, or the results.
func (t *tool) submitted(c *cli.Context, id string, reply json.RawMessage) error {
	switch {
	case c.Bool("follow"):
		return t.follow(c.Context, id, 0, c.Bool("json"))
	case c.Bool("json"):
		return t.printJSON(reply)
	}
	var said struct {
		Result string `json:"result"`
		Unit   string `json:"unitid"`
	}
	if err := json.Unmarshal(reply, &said); err != nil {
		return fmt.Errorf("read answer to submit: %w", err)
	}
	return t.print("Result: " + said.Result + "\nUnit ID: " + said.Unit + "\n")
}

// remove releases the unit whatever happened before. What went wrong then counts
// more than what goes wrong now.
func (t *tool) remove(c *cli.Context, id string, before error) error {
	result, err := t.releaseAfter(c.Context, id)
	if err == nil && !c.Bool("json") {
		err = t.print("(" + id + ", " + result + ")\n")
	}
	if before == nil {
		return err
	}
	if err != nil {
		t.warn(explain(err).text)
	}
	if f := explain(before); err == nil {
		return &failure{code: f.code, text: f.text, emptyLine: f.emptyLine} // no unit left for its note to speak of
	}
	return before
}

// send submits and uploads. It returns the ID as soon as there is one, with an error too.
func (t *tool) send(ctx context.Context, unit client.Submission, payload io.Reader) (string, json.RawMessage, error) {
	s, err := t.open(ctx)
	if err != nil {
		return "", nil, err
	}
	defer s.Close()
	id, err := s.Submit(unit)
	if err != nil {
		return "", nil, t.notStarted(ctx, unit.WorkType, err)
	}
	s.Outlive() // while it is open the unit can't start
	reply, err := t.upload(ctx, s, payload)
	var broken *client.UploadError
	if errors.As(err, &broken) {
		return "", nil, t.abandon(ctx, id, broken)
	}
	if err != nil {
		f := submitError("Remote error: ERROR: ", err)
		f.note = "Unit " + id + " is left behind: see work status, work release."
		return id, nil, f
	}
	return id, reply, nil
}

// upload shows how far it is, unless what comes is being typed.
func (t *tool) upload(ctx context.Context, s *client.Session, payload io.Reader) (json.RawMessage, error) {
	if isTerminal(payload) {
		return s.Upload(ctx, payload)
	}
	size := int64(0)
	if f, ok := payload.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	p := t.progress("payload", size)
	defer p.close()
	return s.Upload(ctx, p.reader(payload))
}

// notStarted is a unit that the node did not take. If it does not know the type, those
// that it has told of are named.
func (t *tool) notStarted(ctx context.Context, workType string, err error) *failure {
	f := submitError("Failed to start work unit: ", err)
	if f.text != "Failed to start work unit: unknown work type "+workType {
		return f
	}
	var known []string
	for _, c := range workTypesOf(t.askStatus(ctx), "") {
		known = append(known, c.value)
	}
	if len(known) > 0 {
		f.note = didYouMean(workType, known) + "There are: " + someOf(known) + "."
	}
	return f
}

func submitError(prefix string, err error) *failure {
	if remote := (*client.RemoteError)(nil); errors.As(err, &remote) {
		return failed(exitSubmit, "%s%s", prefix, remote.Text)
	}
	return failed(exitSubmit, "%s", explain(err).text)
}

// abandon releases a unit whose payload did not arrive, before the end of the
// session would start it with what there is.
func (t *tool) abandon(ctx context.Context, id string, broken *client.UploadError) error {
	f := failed(exitSubmit, "Payload was not sent: %s", explain(broken.Err).text)
	if _, err := t.releaseAfter(ctx, id); err != nil {
		f.note = fmt.Sprintf("Unit %s could not be released and may run with part of its payload: %s", id, explain(err).text)
		return f
	}
	f.note = fmt.Sprintf("Unit %s has been released; nothing has been started.", id)
	return f
}

// payload opens what the options name.
func (t *tool) payload(c *cli.Context) (payload io.Reader, closeIt func(), err error) {
	file, literal := c.String("payload"), c.String("payload-literal")
	given := 0
	for _, is := range []bool{file != "", literal != "", c.Bool("no-payload")} {
		if is {
			given++
		}
	}
	nothing := func() {}
	switch {
	case given == 0:
		return nil, nothing, misusedIn(c, "Must provide one of --payload, --no-payload or --payload-literal.")
	case given > 1:
		return nil, nothing, misusedIn(c, "Cannot provide more than one of --payload, --no-payload and --payload-literal.")
	case literal != "":
		return strings.NewReader(literal + "\n"), nothing, nil
	case file == "":
		return strings.NewReader(""), nothing, nil
	case file == "-":
		return t.in, nothing, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nothing, failed(exitError, "Failed to load payload file: %s", osErrorText(err))
	}
	return f, func() { _ = f.Close() }, nil // only read from
}

// submission reads the options which the node gets to see.
func submission(c *cli.Context) (client.Submission, error) {
	params, err := parseParams(c.StringSlice("param"), c.Args().Tail(), readText)
	return client.Submission{
		Node: c.String("node"), WorkType: c.Args().First(),
		TLS: c.String("tls-client"), TTL: c.String("ttl"), Sign: c.Bool("signwork"),
		Params: params,
	}, err
}

// parseParams joins KEY=VALUE options and command parameters. read gives the text of
// a file.
func parseParams(given, words []string, read func(string) (string, error)) ([]client.Param, error) {
	var params []client.Param
	joined := strings.Join(words, " ")
	for _, g := range given {
		key, value, found := strings.Cut(g, "=")
		if !found || key == "" {
			return nil, failed(exitSubmit, "Parameter '%s' must have the form KEY=VALUE", g)
		}
		switch {
		case strings.HasPrefix(value, "@@"):
			value = value[1:]
		case strings.HasPrefix(value, "@"):
			text, err := read(value[1:])
			if err != nil {
				return nil, err
			}
			value = text
		}
		if key == "params" && joined != "" {
			value, joined = value+" "+joined, ""
		}
		params = append(params, client.Param{Key: key, Value: value})
	}
	if joined != "" {
		params = append(params, client.Param{Key: "params", Value: joined})
	}
	return params, nil
}

// longestParam is as long as a whole command may be.
const longestParam = 16 << 20

func readText(path string) (string, error) {
	data, err := smallfile.Read(path, longestParam)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", failed(exitSubmit, "%s does not exist", path)
	case err != nil:
		f := failed(exitSubmit, "could not read from file %s", path)
		f.note = osErrorText(err)
		return "", f
	}
	return string(data), nil
}
