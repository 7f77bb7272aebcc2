// Package process knows processes that need not be our children: who they are,
// whether they live, and which belong together.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Identity names one process for ever: numbers are used again, start times of
// the same number on the same boot are not.
type Identity struct {
	BootID string
	Pid    int
	Start  uint64 // clock ticks after boot
}

// ErrGone is a process that is no more.
var ErrGone = errors.New("process is gone")

// BootID names the running kernel, which does not change under a process.
var BootID = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
})

// Of is the identity of a living process, ErrGone if there is none.
func Of(pid int) (Identity, error) {
	boot, err := BootID()
	if err != nil {
		return Identity{}, err
	}
	s, err := readStat(pid)
	if err != nil {
		return Identity{}, err
	}
	return Identity{BootID: boot, Pid: pid, Start: s.start}, nil
}

// OfChild is the identity of a child that nobody has waited for yet, even if it has
// ended already.
func OfChild(pid int) (Identity, error) {
	boot, err := BootID()
	if err != nil {
		return Identity{}, err
	}
	s, err := readStat(pid)
	if err != nil && s.pid == 0 {
		return Identity{}, err
	}
	return Identity{BootID: boot, Pid: pid, Start: s.start}, nil
}

// Alive reports whether exactly this process still runs.
func (id Identity) Alive() bool {
	now, err := Of(id.Pid)
	return err == nil && now == id
}

// stat is the part of /proc/PID/stat that matters here.
type stat struct {
	pid     int
	state   byte
	parent  int
	session int
	start   uint64
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return stat{}, ErrGone
	}
	if err != nil {
		return stat{}, err
	}
	s, err := parseStat(text)
	if err == nil && (s.state == 'Z' || s.state == 'X') {
		return s, ErrGone
	}
	return s, err
}

// parseStat reads "PID (NAME) STATE PPID PGRP SESSION ..."; the name may contain
// blanks and brackets.
func parseStat(text []byte) (stat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("malformed process status %q", text)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("short process status %q", text)
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(string(text[:open])))
	parent, err2 := strconv.Atoi(fields[1])
	session, err3 := strconv.Atoi(fields[3])
	start, err4 := strconv.ParseUint(fields[19], 10, 64)
	s := stat{pid: pid, state: fields[0][0], parent: parent, session: session, start: start}
	return s, errors.Join(err1, err2, err3, err4)
}

// Below lists the living processes that a leader answers for, but not the leader:
// those of the session that it opened, and all that descend from it, whatever
// session they have moved to. The number of a session is not given to another
// process while it has members; if the leader's number belongs to another process,
// none is left.
func Below(leader Identity) ([]Identity, error) {
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	if boot != leader.BootID {
		return nil, nil
	}
	if s, err := readStat(leader.Pid); err == nil && s.start != leader.Start {
		return nil, nil
	}
	all, err := living()
	if err != nil {
		return nil, err
	}
	var members []Identity
	for pid, s := range all {
		if pid != leader.Pid && (s.session == leader.Pid || descends(all, s, leader.Pid)) {
			members = append(members, Identity{BootID: boot, Pid: pid, Start: s.start})
		}
	}
	return members, nil
}

// descends follows parents up to an ancestor. The list was not read at one instant,
// so it may even lead in a circle.
func descends(all map[int]stat, s stat, ancestor int) bool {
	for range len(all) {
		if s.parent == ancestor {
			return true
		}
		parent, ok := all[s.parent]
		if !ok {
			return false
		}
		s = parent
	}
	return false
}

// living lists all processes that live, but for those that end meanwhile.
func living() (map[int]stat, error) {
	pids, err := procNames()
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat, len(pids))
	for _, pid := range pids {
		if s, err := readStat(pid); err == nil {
			all[pid] = s
		}
	}
	return all, nil
}

func procNames() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// SignalBelow sends a signal to all below a leader, and returns how many processes
// it met. To end them, ask again until there are none.
func SignalBelow(leader Identity, sig syscall.Signal) (int, error) {
	members, err := Below(leader)
	if err != nil {
		return 0, err
	}
	for _, m := range members {
		h, err := Open(m)
		if errors.Is(err, ErrGone) {
			continue
		}
		if err != nil {
			return len(members), err
		}
		err = h.Signal(sig)
		h.Close()
		if err != nil && !errors.Is(err, ErrGone) {
			return len(members), err
		}
	}
	return len(members), nil
}

// Reap takes the end of a process that has ended, if it was a child of ours.
func Reap(pid int) error {
	_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	if errors.Is(err, unix.ECHILD) {
		return nil
	}
	return err
}
