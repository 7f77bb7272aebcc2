package socket

import "testing"

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:2222":  "10.0.0.1:2222",
		"host.name:2222": "host.name:2222",
		"[::1]:2222":     "[::1]:2222",
		"::1:2222":       "[::1]:2222",
		":::2222":        "[::]:2222",
		"fe80::1%eth0:1": "[fe80::1%eth0]:1",
		"[[::1]]:2222":   "[::1]:2222",
		":2222":          ":2222",
		"127.0.0.1":      "address 127.0.0.1: missing port in address",
		"a:b:c":          "address a:b:c: too many colons in address",
		"":               "missing port in address",
	} {
		got, err := Join(addr)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", addr, got, want)
		}
	}
	for addr, want := range map[string]string{"::1:80": "x:[::1]:80", "nonsense": "x:nonsense"} {
		if got := Name("x", addr); got != want {
			t.Error(got)
		}
	}
}
