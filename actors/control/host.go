package control

import (
	"runtime"

	"golang.org/x/sys/unix"

	"receptor/actors/control/command"
)

// thisHost is what a status says about the machine.
func thisHost(version string) command.Host {
	host := command.Host{Version: version, CPUs: runtime.NumCPU()}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil { // fails on bad addresses only
		host.MemoryMiB = uint64(info.Totalram) * uint64(info.Unit) / (1 << 20)
	}
	return host
}
