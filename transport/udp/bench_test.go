package udp

import (
	"testing"

	"receptor/transport"
	"receptor/transport/frame"
)

// BenchmarkConn moves batches over loopback, as fast as they are read: each waits
// for the one before.
func BenchmarkConn(b *testing.B) {
	for name, runs := range map[string]bool{"runs": true, "single": false} {
		for role, accepts := range map[string]bool{"dialled": false, "accepted": true} {
			b.Run(role+"/"+name, func(b *testing.B) {
				near, far := meet(b, listen(b, "127.0.0.1:0"))
				if !runs {
					near.sender.longest, far.(*link).sender.longest = 0, 0
				}
				if accepts {
					benchmark(b, near, far)
				} else {
					benchmark(b, far, near)
				}
			})
		}
	}
}

// benchmark reads at the end called far.
func benchmark(b *testing.B, near, far transport.Conn) {
	const size, count = 1200, 54 // what a link takes at once
	batch := make([]*frame.Buf, count)
	for i := range batch {
		batch[i] = frame.New(size)
	}
	b.SetBytes(size * count)
	b.ReportAllocs()
	for b.Loop() {
		if err := near.WriteFrames(batch); err != nil {
			b.Fatal(err)
		}
		for range count {
			f, err := far.ReadFrame()
			if err != nil {
				b.Fatal(err)
			}
			f.Free()
		}
	}
}
