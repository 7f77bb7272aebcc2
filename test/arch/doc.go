// Package arch proves the rules that no compiler knows: which way imports run,
// what pure code may touch, what a test may wait for. It has tests only.
package arch
