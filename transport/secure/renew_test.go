package secure

import (
	"os"
	"strings"
	"testing"

	"receptor/transport/secure/cert"
)

func TestRenewTakesOverWhatIsTheSame(t *testing.T) {
	w, ca, _ := cast(t)
	w.issue(ca, "foo", cert.Names{NodeIDs: []string{"foo"}})
	server := ServerOptions{Name: "s", Cert: w.path("foo.crt"), Key: w.path("foo.key")}
	client := ClientOptions{Name: "c", RootCAs: ca.file}
	store := w.store("foo")
	if err := store.AddServer(server); err != nil {
		t.Fatal(err)
	}
	if err := store.AddClient(client); err != nil {
		t.Fatal(err)
	}
	oldServer, oldClient := find1(t, store.Server, "s"), find1(t, store.Client, "c")

	stricter := client
	stricter.MinTLS13 = true
	next, err := store.Renew([]ServerOptions{server}, []ClientOptions{stricter, {Name: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	if find1(t, store.Client, "c") != oldClient {
		t.Error("the store changed before it was told to")
	}
	store.Become(next)
	if find1(t, store.Server, "s") != oldServer {
		t.Error("what is the same was made anew")
	}
	if find1(t, store.Client, "c") == oldClient || find1(t, store.Client, "d") == nil {
		t.Error("what changed, or is new, is not there")
	}
	if find1(t, store.Client, DefaultClient) == nil {
		t.Error("the default client has gone")
	}
	empty, err := store.Renew(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	store.Become(empty)
	if _, err := store.Server("s"); err == nil || err.Error() != "unknown TLS config s" {
		t.Errorf("what was removed: %v", err)
	}
}

// Files that are broken now are no reason to go on without a word.
func TestRenewWantsGoodFiles(t *testing.T) {
	w, ca, _ := cast(t)
	w.issue(ca, "foo", cert.Names{NodeIDs: []string{"foo"}})
	server := ServerOptions{Name: "s", Cert: w.path("foo.crt"), Key: w.path("foo.key")}
	client := ClientOptions{Name: "c", Cert: server.Cert, Key: server.Key}
	store := w.store("foo")
	if err := store.AddServer(server); err != nil {
		t.Fatal(err)
	}
	if err := store.AddClient(client); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(server.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Renew([]ServerOptions{server}, nil); err == nil || !strings.Contains(err.Error(), server.Key) {
		t.Errorf("server: %v", err)
	}
	if _, err := store.Renew(nil, []ClientOptions{client}); err == nil || !strings.Contains(err.Error(), server.Key) {
		t.Errorf("client: %v", err)
	}
}

func find1[T any](t *testing.T, find func(string) (*T, error), name string) *T {
	t.Helper()
	found, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
