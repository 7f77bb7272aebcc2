package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"receptor/actors/inspect"
	routerv1 "receptor/proto/router/v1"
	workv1 "receptor/proto/work/v1"
)

// queryTimeout bounds what one request asks of the actors.
const queryTimeout = 5 * time.Second

// Source is what a Handler shows. The two functions ask the router and the work
// family.
type Source struct {
	Inspector *inspect.Inspector
	Router    func() (*routerv1.Status, error)
	Units     func(*workv1.ListUnits) ([]*workv1.Status, error)
}

// Handler answers all requests; they can change nothing. It refuses those that pages
// of other sites make and, unless anyHost is set, those whose Host names no loopback
// address.
func Handler(src Source, anyHost bool) http.Handler {
	h := &handler{src: src, anyHost: anyHost, patience: answerTime, streams: make(chan struct{}, maxStreams)}
	return h.guard(h.routes())
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.metrics())
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /api/v1/snapshot", answer(h.snapshot))
	mux.HandleFunc("GET /api/v1/tree", answer(h.tree))
	mux.HandleFunc("GET /api/v1/links", answer(h.links))
	mux.HandleFunc("GET /api/v1/mesh", answer(h.mesh))
	mux.HandleFunc("GET /api/v1/units", answer(h.units))
	mux.HandleFunc("GET /api/v1/events", h.events)
	mux.Handle("GET /", page())
	return mux
}

type handler struct {
	src      Source
	anyHost  bool
	patience time.Duration
	streams  chan struct{} // a place for each stream of events
}

// errBadQuery is a request that can't be understood.
type errBadQuery struct{ text string }

func (e *errBadQuery) Error() string { return e.text }

// answer turns a query of the actors into a handler for it.
func answer(ask func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		reply, err := ask(ctx, r)
		status := http.StatusOK
		if err != nil {
			status = statusOf(err)
			reply = map[string]string{"error": err.Error()}
		}
		text, err := encode(reply)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(text) //nolint:errcheck // the client is gone
	}
}

func statusOf(err error) int {
	var bad *errBadQuery
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, inspect.ErrNoActor):
		return http.StatusNotFound
	default:
		return http.StatusServiceUnavailable
	}
}

// jsonForm is that of the control service: names as in the messages.
var jsonForm = protojson.MarshalOptions{UseProtoNames: true}

func encode(v any) ([]byte, error) {
	if m, ok := v.(proto.Message); ok {
		return jsonForm.Marshal(m)
	}
	return json.Marshal(v)
}
