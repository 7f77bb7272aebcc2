// One core will do; how many the container has is not worth reading its files.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Receptor-runner stands between the daemon and a command: it survives the daemon
// and records how the command ended. The daemon starts it, and does the same work
// with its own program where this one is missing; this one starts several times
// faster, because there is next to nothing in it.
//
//	receptor-runner --version                       its build, which must be the daemon's
//	receptor-runner --command-runner unitdir=DIR    runs a unit; the job comes on standard input
package main

import (
	"fmt"
	"os"

	"receptor/actors/work/runner"
)

// version is set by the build: -ldflags "-X main.version=...".
var version string

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == runner.VersionFlag:
		fmt.Println(runner.Build(version))
	case len(os.Args) > 2 && os.Args[1] == runner.Flag:
		os.Exit(runner.Main(os.Args[2:]))
	default:
		fmt.Fprintln(os.Stderr, "receptor-runner: the receptor daemon starts this program; it is no use to anybody else")
		os.Exit(2)
	}
}
