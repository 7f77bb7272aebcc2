package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// asInit is what process 1 of a container does: it runs the program again as its
// child, hands signals on to it, and waits for every process that lost its parent.
// Without it the end of a runner's child would stay in the process table for good,
// and the daemon can't do it itself: it waits for its own children only.
// It returns the exit status of the child, 128 and the signal when one ended it.
func asInit(args []string, out io.Writer) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)

	// A group of its own: ctrl-c on a terminal then arrives once, from here.
	child, err := os.StartProcess("/proc/self/exe", args, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &unix.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		fmt.Fprintf(out, "Error: start as a child of process 1: %v\n", err)
		return 1
	}
	ended := make(chan int, 1)
	go func() { ended <- reap(child.Pid) }()
	for {
		select {
		case status := <-ended:
			return status
		case s := <-signals:
			if forwards(s) {
				// It may have ended this instant; reap says so next.
				unix.Kill(child.Pid, s.(unix.Signal)) //nolint:errcheck // see above
			}
		}
	}
}

// forwards reports whether a signal is meant for the child: not those that the
// kernel or the Go runtime send to a process about itself.
func forwards(s os.Signal) bool {
	switch s {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE, unix.SIGTTIN, unix.SIGTTOU:
		return false
	}
	return true
}

// reap waits for all children, given and adopted, until one of them ends.
func reap(child int) int {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR || err == nil && pid != child:
		case err != nil:
			return 1 // nobody is left to wait for
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}
