package main

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		moved, total int64
		took         time.Duration
		width        int
		want         string
	}{
		{512 << 10, 1 << 20, 2 * time.Second, 100, "payload  [============            ]  50%  512.0 KiB of 1.0 MiB  256.0 KiB/s  0:02 left"},
		{1 << 20, 1 << 20, 4 * time.Second, 100, "payload  [========================] 100%  1.0 MiB of 1.0 MiB  256.0 KiB/s  0:04"},
		{3 << 20, 1 << 20, time.Second, 100, "payload  [========================] 100%  3.0 MiB of 1.0 MiB  3.0 MiB/s  0:01"},
		{100, 0, 100 * time.Second, 100, "payload  100 B  1 B/s  1:40"},
		{0, 10, time.Second, 100, "payload  [                        ]   0%  0 B of 10 B  0 B/s  0:01"},
		{1 << 40, 1 << 41, 3700 * time.Second, 60, "payload  1.0 TiB of 2.0 TiB  283.4 MiB/s  1:01:40 left"},
		{1 << 40, 1 << 41, 3700 * time.Second, 50, "1.0 TiB of 2.0 TiB  283.4 MiB/s  1:01:40 left"},
		{1 << 40, 1 << 41, 3700 * time.Second, 7, "1.0 TiB"},
	} {
		if got := progressLine("payload", c.moved, c.total, c.took, c.width); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 30: "1.0 GiB", 1<<63 - 1: "8.0 EiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
