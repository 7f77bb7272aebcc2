package blackbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"receptor/test/blackbox/harness"
)

// onSocket is a client for the HTTP server on a Unix socket.
func onSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}
}

// get returns status and text of one answer.
func get(ctx context.Context, c *http.Client, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// answers waits until an answer has that status and contains the text.
func answers(ctx context.Context, c *http.Client, url string, status int, part string) error {
	return harness.Until(ctx, url, func() error {
		got, text, err := get(ctx, c, url)
		if err == nil && (got != status || !strings.Contains(text, part)) {
			err = fmt.Errorf("%d %q, want %d and %q", got, text, status, part)
		}
		return err
	})
}

// A node is looked at over HTTP while it gets a neighbour, does work, is drained and
// loses the neighbour.
func TestHTTPShowsTheNode(t *testing.T) {
	w := newWorld(t)
	web := filepath.Join(w.Dir, "web")
	port := w.port()
	a := w.node("a", harness.Listener(port), harness.Command("cat", "cat", ""), []string{"--debug", "http=" + web})
	w.up(a)
	client, ctx, must := onSocket(web), w.ctx, w.must
	base := "http://localhost"
	must(answers(ctx, client, base+"/healthz", 200, "ok"))
	must(answers(ctx, client, base+"/readyz", 200, "ok"))
	must(answers(ctx, client, base+"/", 200, "<title>Receptor"))
	must(answers(ctx, client, base+"/debug/pprof/", 200, "goroutine"))
	must(answers(ctx, client, base+"/api/v1/tree?path=nowhere", 404, "no such actor"))
	must(answers(ctx, client, base+"/api/v1/units?limit=x", 400, "limit is to be a number"))
	must(answers(ctx, client, "http://example.org/healthz", 403, "loopback"))

	b := w.node("b", harness.Peer(port))
	w.up(b)
	must(answers(ctx, client, base+"/metrics", 200, `neighbour="b"} 1`))
	must(answers(ctx, client, base+"/api/v1/mesh", 200, `"next_hop":"b"`))
	must(answers(ctx, client, base+"/api/v1/links", 200, `"LINK_STATE_ESTABLISHED"`))
	must(answers(ctx, client, base+"/api/v1/tree?detail=1", 200, `"node/links/`))

	lines := func() int {
		_, text, err := get(ctx, client, base+"/metrics")
		must(err)
		return strings.Count(text, "\nreceptor_")
	}
	before := lines()
	unit, _, err := a.Submit(ctx, harness.Work{Type: "cat", Node: "a", Payload: strings.NewReader("x")})
	must(err)
	_, err = a.Finished(ctx, unit)
	must(err)
	must(answers(ctx, client, base+"/api/v1/units", 200, fmt.Sprintf(`{"id":%q,"state":"succeeded"`, unit)))
	must(answers(ctx, client, base+"/metrics", 200, `receptor_units{state="succeeded"} 1`))
	must(harness.Until(ctx, "as many metrics as without a unit", func() error {
		if after := lines(); after != before {
			return fmt.Errorf("%d lines of metrics with a unit, %d without", after, before)
		}
		return nil
	}))
	must(tells(ctx, client, base+"/api/v1/events", "link_up", "unit_changed"))

	_, err = a.Ask(ctx, `{"command":"work","subcommand":"drain"}`)
	must(err)
	must(answers(ctx, client, base+"/readyz", 503, "drained"))
	must(b.Kill())
	must(answers(ctx, client, base+"/api/v1/mesh", 200, `{"node":"a"`))
	must(tells(ctx, client, base+"/api/v1/events", "link_down"))
}

// However many units there are, of however many types and nodes: the metrics are those
// of one of each, and name neither units nor their types.
func TestMetricsDoNotGrowWithUnits(t *testing.T) {
	w := newWorld(t)
	web := filepath.Join(w.Dir, "web")
	command := func(kind string) []string { return harness.Command(kind, "true", "") }
	a, b := w.linked(ours(), harness.Join(command("firsttype"), command("secondtype"), []string{"--debug", "http=" + web}),
		harness.Join(command("farfirst"), command("farsecond")))
	client, metrics := onSocket(web), "http://localhost/metrics"
	names := map[string]bool{}
	submit := func(each int) {
		for kind, node := range map[string]string{"firsttype": a.ID, "secondtype": a.ID, "farfirst": b.ID, "farsecond": b.ID} {
			names[kind] = true
			for range each {
				unit, _, err := a.Submit(w.ctx, harness.Work{Type: kind, Node: node, Payload: strings.NewReader("")})
				w.must(err)
				names[unit] = true
			}
		}
	}
	series := func(units int) []string {
		w.must(answers(w.ctx, client, metrics, 200, fmt.Sprintf("receptor_units{state=\"succeeded\"} %d\n", units)))
		_, text, err := get(w.ctx, client, metrics)
		w.must(err)
		return seriesOf(text)
	}
	submit(1)
	few := series(4)
	submit(60)
	_, amid, err := get(w.ctx, client, metrics)
	w.must(err)
	var many []string
	w.must(harness.Until(w.ctx, "only the metrics that there were", func() error {
		many = series(4 + 240)
		if more := slices.DeleteFunc(slices.Clone(many), func(s string) bool { return slices.Contains(few, s) }); len(more) > 0 {
			return fmt.Errorf("%d with 4 units, %d with 244, of which are new %q", len(few), len(many), more)
		}
		return nil
	}))
	for _, s := range slices.Concat(seriesOf(amid), many) {
		for name := range names {
			if strings.Contains(s, name) {
				t.Errorf("%s names %s", s, name)
			}
		}
	}
}

// seriesOf are the node's own metrics without their values.
func seriesOf(text string) (series []string) {
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(name, "receptor_") {
			series = append(series, name)
		}
	}
	return series
}

// A listener that a running node has lost makes it unready until it is there again. It
// can't be had while the node may open no file; what looks at the node is open already.
func TestNotReadyWhileAListenerIsLost(t *testing.T) {
	w := newWorld(t)
	web, port := filepath.Join(w.Dir, "web"), w.port()
	a := w.node("a", harness.Listener(port), []string{"--debug", "http=" + web, "actions=true"})
	w.up(a)
	client := onSocket(web)
	kept := client.Transport.(*http.Transport)
	kept.DisableKeepAlives, kept.MaxConnsPerHost = false, 1
	defer kept.CloseIdleConnections()
	ready := "http://localhost/readyz"
	w.must(answers(w.ctx, client, ready, 200, "ok"))
	operator, err := harness.Dial(w.ctx, a.Socket)
	w.must(err)
	defer operator.Conn.Close()

	var before unix.Rlimit
	w.must(unix.Prlimit(a.PID(), unix.RLIMIT_NOFILE, nil, &before))
	w.must(unix.Prlimit(a.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}, nil))
	reply, err := operator.Ask(`{"command":"act","action":"restart","path":"node/links/tcp-listener:` + local(port) + `"}`)
	if err != nil || !strings.Contains(reply, "restart node/links/tcp-listener") {
		t.Errorf("the restart: %q, %v", reply, err)
	}
	w.must(answers(w.ctx, client, ready, 503, "1 of the actors of kind listener can't listen: receptorctl tree tells why"))
	w.must(unix.Prlimit(a.PID(), unix.RLIMIT_NOFILE, &before, nil))
	w.must(answers(w.ctx, client, ready, 200, "ok"))
}

// tells reads the stream of events until there was one of each kind.
func tells(ctx context.Context, c *http.Client, url string, kinds ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	missing := map[string]bool{}
	for _, k := range kinds {
		missing[k] = true
	}
	for lines := bufio.NewScanner(res.Body); len(missing) > 0; {
		if !lines.Scan() {
			return errors.Join(fmt.Errorf("the stream ended without %v", missing), lines.Err())
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return err
		}
		for k := range event {
			delete(missing, k)
		}
	}
	return nil
}

func TestHTTPStaysAtHome(t *testing.T) {
	w := newWorld(t)
	out, _, code := w.run(programs.Receptor, "--node", "id=a", "datadir="+w.Dir, "--local-only", "--debug", "http=0.0.0.0:0")
	if code != 1 || !strings.Contains(out, "http=0.0.0.0:0 is no loopback address; remotehttp=true lets others look into the node") {
		t.Errorf("%d %q", code, out)
	}
}

// Of a thousand who follow the events a few are served, the others are told so at
// once, and neither they nor those who read nothing keep anybody else from asking.
func TestHTTPWithAThousandFollowers(t *testing.T) {
	w := newWorld(t)
	web := w.port()
	a := w.node("a", []string{"--local-only", "--debug", "http=" + local(web)})
	w.up(a)
	base := "http://" + local(web)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	w.must(answers(w.ctx, client, base+"/readyz", 200, "ok"))
	before := residentMB(t, a.PID())
	served, told := 0, 0
	for range 1000 {
		conn := w.dial("tcp4", local(web))
		defer conn.Close()
		_, err := fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		w.must(err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		w.must(err)
		switch {
		case strings.Contains(line, " 200 "):
			served++
		case strings.Contains(line, " 503 "):
			told++
		}
	}
	if served != 16 || served+told != 1000 {
		t.Errorf("%d are served, %d are told that they are too many", served, told)
	}
	for range 100 { // they ask, and read nothing
		conn := w.dial("tcp4", local(web))
		defer conn.Close()
		_, err := fmt.Fprint(conn, strings.Repeat("GET /debug/pprof/goroutine?debug=2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 50))
		w.must(err)
	}
	w.must(answers(w.ctx, client, base+"/healthz", 200, "ok"))
	if grown := residentMB(t, a.PID()) - before; grown > 100 {
		t.Errorf("they cost %d MB", grown)
	}
}

// A page of another site can have a browser ask: it gets nothing. A stranger at a
// listener is no reason to give the node no work.
func TestHTTPAndStrangers(t *testing.T) {
	w := newWorld(t)
	web, port, control := w.port(), w.port(), w.port()
	a := w.node("a", harness.Listener(port), []string{"--debug", "http=" + local(web), "--control-service", "service=door", "tcplisten=" + local(control)},
		harness.Command("cat", "cat", ""))
	w.up(a)
	base := "http://" + local(web)
	w.must(answers(w.ctx, http.DefaultClient, base+"/readyz", 200, "ok"))
	stranger := w.dial("tcp4", local(port))
	defer stranger.Close()
	w.must(answers(w.ctx, http.DefaultClient, base+"/api/v1/links", 200, "LINK_STATE_INTRODUCING"))
	w.must(answers(w.ctx, http.DefaultClient, base+"/readyz", 200, "ok"))

	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, base+"/api/v1/snapshot", nil)
	w.must(err)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	w.must(res.Body.Close())
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site got %s", res.Status)
	}

	page := w.dial("tcp4", local(control)) // as a form of text/plain in a page does
	defer page.Close()
	_, err = fmt.Fprint(page, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"+`{"command":"work","subcommand":"submit","node":"a","worktype":"cat"}`+"\n")
	w.must(err)
	w.must(page.(*net.TCPConn).CloseWrite())
	said, err := io.ReadAll(page)
	w.must(err)
	if !strings.HasSuffix(string(said), "\nERROR: this is no web server\n") {
		t.Errorf("a web page was told %q", said)
	}
	if units, err := a.Ask(w.ctx, "work list"); err != nil || strings.TrimSpace(units) != "{}" {
		t.Errorf("it has work now: %q, %v", units, err)
	}
}
