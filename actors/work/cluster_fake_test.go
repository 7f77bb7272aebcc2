package work

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// fakeCluster does what a real one can't be made to do: it answers, and the
// connection breaks; it is away; it sends a part. Its one container is a cat that
// reads its input to the end, and puts out a line each tenth of a second of its clock.
type fakeCluster struct {
	t   *testing.T
	url string
	// close ends the server and, with that, the connections of the client.
	close func()

	mu      sync.Mutex
	changed *sync.Cond
	pods    map[string]*corev1.Pod
	input   map[string][]byte // what a container got
	log     []fakeLine
	version string
	made    int
	deleted int
	away    bool // answers with 503
	lost    int  // so many creations are done, and their answer is lost
	cutLog  int  // streams of the log break off after so many bytes more than the last
	cutIn   int  // attach breaks off after so many bytes
	orderly bool // cut logs end as if they were whole
	noLog   string
	forget  int // lines of the log that were rotated away
	held    bool
	served  int
}

type fakeLine struct {
	at   time.Time
	text string
}

func newFakeCluster(t *testing.T) *fakeCluster {
	c := &fakeCluster{t: t, pods: map[string]*corev1.Pod{}, input: map[string][]byte{}, version: "v1.34.4"}
	c.changed = sync.NewCond(&c.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"gitVersion":%q}`, c.version) })
	const pods = "/api/v1/namespaces/ns/pods"
	mux.HandleFunc("POST "+pods, c.create)
	mux.HandleFunc("GET "+pods, c.list)
	mux.HandleFunc("GET "+pods+"/{name}", c.get)
	mux.HandleFunc("DELETE "+pods+"/{name}", c.remove)
	mux.HandleFunc("GET "+pods+"/{name}/log", c.logs)
	mux.HandleFunc("POST "+pods+"/{name}/attach", c.attach)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		away := c.away
		c.mu.Unlock()
		if away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	c.url = server.URL
	c.close = func() {
		c.change(func() { c.held, c.pods = false, nil })
		server.CloseClientConnections()
		server.Close()
	}
	return c
}

func (c *fakeCluster) config() string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{"token":"TOK"}}],
		"contexts":[{"name":"x","context":{"cluster":"c","user":"u","namespace":"ns"}}],"current-context":"x"}`, c.url)
}

func (c *fakeCluster) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.changed.Broadcast()
}

func (c *fakeCluster) count(what *int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *what
}

func answer(w http.ResponseWriter, code int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(object) //nolint:errcheck // the client may have left
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	answer(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: string(reason),
	})
}

func (c *fakeCluster) create(w http.ResponseWriter, r *http.Request) {
	p := &corev1.Pod{}
	if err := json.NewDecoder(r.Body).Decode(p); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	_, exists := c.pods[p.Name]
	if !exists {
		c.made++
		p.CreationTimestamp = metav1.Now()
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		c.pods[p.Name] = p
	}
	lost := c.lost > 0
	if lost {
		c.lost--
	}
	c.mu.Unlock()
	switch {
	case exists:
		refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
	case lost:
		panic(http.ErrAbortHandler)
	default:
		answer(w, http.StatusCreated, p)
	}
}

// pod is a copy with the version of now.
func (c *fakeCluster) pod(name string) *corev1.Pod {
	p, ok := c.pods[name]
	if !ok {
		return nil
	}
	p = p.DeepCopy()
	p.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
	p.ResourceVersion = fmt.Sprint(1)
	return p
}

func (c *fakeCluster) get(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	p := c.pod(r.PathValue("name"))
	c.mu.Unlock()
	if p == nil {
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	answer(w, http.StatusOK, p)
}

// list is a watch, which ends at the first change; or the sweeper's list.
func (c *fakeCluster) list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") == "" {
		answer(w, http.StatusOK, corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.(http.Flusher).Flush()
	stop := r.Context().Done()
	go func() {
		<-stop
		c.change(func() {})
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Wait()
}

func (c *fakeCluster) remove(w http.ResponseWriter, r *http.Request) {
	c.change(func() {
		delete(c.pods, r.PathValue("name"))
		c.deleted++
	})
	answer(w, http.StatusOK, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Success"})
}

// end ends the container, whose output is what it got.
func (c *fakeCluster) end(name string, code int32) {
	p := c.pods[name]
	if p == nil {
		return
	}
	at := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	for line := range bytes.Lines(c.input[name]) {
		c.log = append(c.log, fakeLine{at, string(line)})
		at = at.Add(100 * time.Millisecond)
	}
	p.Status.Phase = corev1.PodSucceeded
	p.Status.Conditions = nil
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "worker", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code},
	}}}
}

// logs sends what the log has when the container has ended, or breaks off.
func (c *fakeCluster) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name := r.PathValue("name")
	stop := r.Context().Done()
	go func() {
		<-stop
		c.change(func() {})
	}()
	c.mu.Lock()
	for q.Get("follow") == "true" && r.Context().Err() == nil && c.pods[name] != nil && len(c.pods[name].Status.ContainerStatuses) == 0 {
		c.changed.Wait()
	}
	since, err := time.Parse(time.RFC3339, q.Get("sinceTime"))
	if err != nil && q.Get("sinceTime") != "" {
		c.t.Error(err)
	}
	var text strings.Builder
	for _, line := range c.log[min(c.forget, len(c.log)):] {
		if line.at.Before(since) {
			continue
		}
		if q.Get("timestamps") == "true" {
			text.WriteString(line.at.Format("2006-01-02T15:04:05.000000000Z07:00 "))
		}
		text.WriteString(line.text)
	}
	body, whole := text.String(), true
	if c.noLog != "" {
		body = c.noLog
	}
	if c.cutLog > 0 {
		c.served++
		if n := c.served * c.cutLog; n < len(body) {
			body, whole = body[:n], c.orderly
		} else {
			c.cutLog = 0
		}
	}
	c.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, body) //nolint:errcheck // the client may have left
	if !whole {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (c *fakeCluster) attach(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
		c.t.Error(err)
		return
	}
	streams := make(chan httpstream.Stream, 2)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if conn == nil {
		return
	}
	defer conn.Close()
	var input, report httpstream.Stream
	for range 2 {
		if s := <-streams; s.Headers().Get(corev1.StreamType) == corev1.StreamTypeStdin {
			input = s
		} else {
			report = s
		}
	}
	c.mu.Lock()
	limit := c.cutIn
	c.mu.Unlock()
	if limit > 0 {
		got, _ := io.ReadAll(io.LimitReader(input, int64(limit))) // cut anyway
		c.change(func() { c.input[name] = got })
		return
	}
	got, err := io.ReadAll(input)
	if err != nil {
		return // the daemon went away
	}
	c.change(func() {
		c.input[name] = got
		if !c.held {
			c.end(name, 0)
		}
	})
	json.NewEncoder(report).Encode(metav1.Status{Status: metav1.StatusSuccess}) //nolint:errcheck // the client may have left
	report.Close()
	<-conn.CloseChan()
}
