package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answered is the status of a request as a browser or another client makes it.
func answered(t *testing.T, h http.Handler, method, target, body string, headers ...string) int {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if req.Header.Set(name, strings.ReplaceAll(value, "SELF", server.URL)); name == "Host" {
			req.Host = value
		}
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

// What pages of other sites make a browser ask is refused, also where they could not
// read the answer: a profile is work. The page may be opened from a link.
func TestOtherSitesAreKeptOff(t *testing.T) {
	for _, c := range []struct {
		target  string
		headers []string
		want    int
	}{
		{"/api/v1/snapshot", nil, 200},
		{"/api/v1/snapshot", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"/api/v1/snapshot", []string{"Sec-Fetch-Site: none"}, 200},
		{"/api/v1/snapshot", []string{"Origin: SELF"}, 200},
		{"/api/v1/snapshot", []string{"Origin: http://evil.example"}, 403},
		{"/api/v1/snapshot", []string{"Origin: null"}, 403},
		{"/api/v1/snapshot", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"/api/v1/snapshot", []string{"Sec-Fetch-Site: same-site"}, 403}, // another port of localhost
		{"/debug/pprof/profile", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"}, 403},
		{"/debug/pprof/profile?seconds=301", nil, 400},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"}, 200},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: iframe"}, 403},
		{"/", []string{"Host: evil.example"}, 403},
		{"/", []string{"Host: 127.0.0.1.evil.example:80"}, 403},
	} {
		h := &handler{patience: time.Minute}
		fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		if got := answered(t, h.guard(fine), http.MethodGet, c.target, "", c.headers...); got != c.want {
			t.Errorf("%s %v: %d, want %d", c.target, c.headers, got, c.want)
		}
	}
}

// The API has questions only.
func TestNothingIsChangedOverHTTP(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		for _, path := range []string{"/", "/api/v1/snapshot", "/api/v1/units", "/api/v1/act", "/debug/pprof/profile"} {
			h := &handler{patience: time.Minute}
			mux := http.NewServeMux()
			mux.Handle("GET /", page())
			mux.HandleFunc("GET /api/v1/snapshot", func(http.ResponseWriter, *http.Request) {})
			if got := answered(t, h.guard(mux), method, path, ""); got != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, got)
			}
		}
	}
}

// A client that does not read loses its answer, and its place; so does one that sends
// what nobody reads.
func TestSlowClientsAreCut(t *testing.T) {
	h := &handler{patience: 100 * time.Millisecond}
	cut := make(chan error, 1)
	endless := func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 64<<10)
		for {
			if _, err := w.Write(piece); err != nil {
				cut <- err
				return
			}
		}
	}
	server := httptest.NewServer(h.guard(http.HandlerFunc(endless)))
	defer server.Close()
	conn := talk(t, server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	defer conn.Close()
	select {
	case err := <-cut:
		t.Log(err)
	case <-time.After(time.Minute):
		t.Error("still written to")
	}

	talker := talk(t, server, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
	defer talker.Close()
	res, err := http.ReadResponse(bufio.NewReader(talker), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %q, %v", res.StatusCode, text, err)
	}
	if n, err := talker.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d more bytes", n)
	}
}

func talk(t *testing.T, server *httptest.Server, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err == nil {
		err = conn.SetReadDeadline(time.Now().Add(time.Minute))
	}
	if err == nil {
		_, err = fmt.Fprint(conn, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
