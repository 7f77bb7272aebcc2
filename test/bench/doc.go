// Package bench measures whole paths; the parts have benchmarks beside their code.
package bench
