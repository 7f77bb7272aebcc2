package meter

import (
	"math/bits"
	"time"
)

// histogram has two buckets for every doubling of the time, from 128 ns on.
type histogram [64]uint32

const floor = 7 // log2 of the bound of the first bucket, in ns

func (h *histogram) add(took time.Duration) {
	n := uint64(max(took, 0)) >> (floor - 1)
	if n < 2 {
		h[0]++
		return
	}
	width := bits.Len64(n)                     // at least 2
	i := 2*(width-2) + int(n>>(width-2)&1) + 1 // the two leading bits choose the bucket
	h[min(i, len(h)-1)]++
}

// bound is the upper bound of a bucket.
func bound(i int) time.Duration {
	if i == 0 {
		return 1 << floor
	}
	low := time.Duration(1) << (floor + (i-1)/2)
	if i%2 == 1 {
		return low + low/2
	}
	return 2 * low
}

// quantile is the time within which a share q of all messages was handled.
func (h *histogram) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range h {
		all += uint64(n)
	}
	rest := q * float64(all)
	for i, n := range h {
		if rest -= float64(n); rest <= 0 && n > 0 {
			return bound(i)
		}
	}
	return 0
}
