package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// answerTime is how long a client may take for an answer, and bodyTime for what
	// it sends and nobody reads.
	answerTime = 20 * time.Second
	bodyTime   = time.Second
	// maxProfile is the longest a profile may run, in seconds.
	maxProfile = 300
)

// guard keeps other sites off, tells browsers to load nothing from elsewhere, and lets
// no client hold its connection by not reading.
func (h *handler) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		if err := h.limit(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if status, why := h.refusal(r); why != "" {
			head.Set("Connection", "close")
			http.Error(w, why, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit sets the time for this request. A profile takes as long as it is asked to.
func (h *handler) limit(w http.ResponseWriter, r *http.Request) error {
	c, patience := http.NewResponseController(w), h.patience
	if strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
		patience += maxProfile * time.Second
	}
	if r.ContentLength != 0 {
		if err := c.SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
			return err
		}
	}
	return c.SetWriteDeadline(time.Now().Add(patience))
}

// refusal says why a request gets no answer.
func (h *handler) refusal(r *http.Request) (status int, why string) {
	switch seconds, err := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64); {
	case !h.anyHost && !loopback(r.Host):
		return http.StatusForbidden, "this node answers on loopback addresses only, not as " + strconv.Quote(r.Host)
	case foreign(r):
		return http.StatusForbidden, "this node answers no pages of other sites"
	case r.ContentLength != 0:
		return http.StatusRequestEntityTooLarge, "a question has no body"
	case err == nil && !(seconds <= maxProfile):
		return http.StatusBadRequest, "seconds is to be at most " + strconv.Itoa(maxProfile)
	}
	return 0, ""
}

// foreign reports that a page of another site makes the browser ask. Browsers say so
// in headers that pages can't set; what is no browser sends none. Only the page
// itself may be opened from elsewhere: a link to it is no harm.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// loopback reports whether a Host header can only mean this machine. A Unix socket
// has any name that a client gives it; "localhost" is the usual one.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
