// Package bench measures whole paths; the parts have benchmarks beside their code.
// Thousands of units of work take minutes: RECEPTOR_BENCH_UNITS=1 asks for them.
package bench
