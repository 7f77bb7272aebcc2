// Package nearest finds what a misspelt name was meant to be.
package nearest

import "strings"

// Name is the known name nearest to what was written, the first of those that are
// equally near; empty if none is known.
func Name(written string, known []string) string {
	best, least := "", 0
	for _, name := range known {
		if d := Distance(strings.ToLower(written), name); best == "" || d < least {
			best, least = name, d
		}
	}
	return best
}

// Likely is Name if what was written has more in common with it than not.
func Likely(written string, known []string) string {
	best := Name(written, known)
	if best == "" || 2*Distance(strings.ToLower(written), best) >= max(len(written), len(best)) {
		return ""
	}
	return best
}

// maxCompared keeps the cost of a nonsense name small.
const maxCompared = 64

// Distance is the number of letters to insert, remove, replace or swap with
// their neighbour to get from a to b.
func Distance(a, b string) int {
	if len(a) > maxCompared {
		a = a[:maxCompared]
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := row[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			next[j] = min(change, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
