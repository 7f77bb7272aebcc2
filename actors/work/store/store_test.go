package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"receptor/actors/work/unit"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), "node")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *Store, id string) Dir {
	t.Helper()
	d, err := s.Create(id, unit.NewLocal("cat", "-n").Record, "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func detail(t *testing.T, d Dir) string {
	t.Helper()
	r, err := d.Read()
	if err != nil {
		t.Fatal(err)
	}
	return r.Detail
}

func TestNobodyElseReadsUnits(t *testing.T) {
	d := create(t, open(t), "abcdefgh")
	err := filepath.WalkDir(filepath.Dir(d.Path()), func(path string, e fs.DirEntry, err error) error {
		info, infoErr := e.Info()
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if err := errors.Join(err, infoErr); err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSaveReplacesWhole(t *testing.T) {
	d := create(t, open(t), "abcdefgh")
	before, err := os.Open(filepath.Join(d.Path(), StatusName))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	r, err := d.Read()
	if err != nil {
		t.Fatal(err)
	}
	r.State, r.Detail = unit.Succeeded, "exit status 0"
	if err := d.Save(r); err != nil {
		t.Fatal(err)
	}
	// Whoever had the old file open still reads the old record, whole.
	text := make([]byte, 4096)
	n, err := before.Read(text)
	if err != nil || !strings.Contains(string(text[:n]), unit.DetailWaiting) {
		t.Errorf("the old file says %q, %v", text[:n], err)
	}
	if got := detail(t, d); got != "exit status 0" {
		t.Errorf("the new file says %q", got)
	}
}

func TestCrashBetweenWriteAndRename(t *testing.T) {
	s := open(t)
	d := create(t, s, "abcdefgh")
	if err := os.WriteFile(filepath.Join(d.Path(), StatusName+".tmp"), []byte(`{"State":2,"Det`), 0o600); err != nil {
		t.Fatal(err)
	}
	units, err := s.Load(time.Second)
	if err != nil || len(units) != 1 || units[0].Err != nil || units[0].Record.Detail != unit.DetailWaiting {
		t.Fatalf("loaded %+v, %v", units, err)
	}
	if err := d.Save(unit.Record{State: unit.Failed, Detail: "x", WorkType: "cat"}); err != nil {
		t.Fatal(err)
	}
	if got := detail(t, d); got != "x" {
		t.Errorf("after the next save: %q", got)
	}
}

func TestUnreadableDirectoriesAreReported(t *testing.T) {
	s := open(t)
	create(t, s, "goodgood")
	cut := create(t, s, "cutcutcu")
	empty := create(t, s, "emptyemp")
	err := errors.Join(
		os.Truncate(filepath.Join(cut.Path(), StatusName), 20),
		os.Truncate(filepath.Join(empty.Path(), StatusName), 0),
		os.Mkdir(s.Dir("nostatus").Path(), 0o700),
		os.Mkdir(filepath.Join(s.root, "not-a-unit"), 0o700),
		os.WriteFile(filepath.Join(s.root, "plainfil"), nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	units, err := s.Load(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]bool{}
	for _, u := range units {
		broken[u.ID] = u.Err != nil
	}
	if len(broken) != 4 || broken["goodgood"] || !broken["cutcutcu"] || !broken["emptyemp"] || !broken["nostatus"] {
		t.Errorf("loaded %v", broken)
	}
}

func TestLockIsTheOneOfExistingTools(t *testing.T) {
	s := open(t)
	d := create(t, s, "abcdefgh")
	other, err := os.OpenFile(filepath.Join(d.Path(), "status.lock"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if units, err := s.Load(20 * time.Millisecond); err != nil || len(units) != 1 || units[0].Err == nil {
		t.Fatalf("a locked unit was read: %+v, %v", units, err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := d.Read()
		read <- err
	}()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestCreateLeavesNothingBehind(t *testing.T) {
	s := open(t)
	create(t, s, "abcdefgh")
	if _, err := s.Create("abcdefgh", unit.Record{}, ""); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second unit of that name: %v", err)
	}
	bad := unit.Record{WorkType: "pod", Other: []byte("{not json")}
	if _, err := s.Create("badbadba", bad, ""); err == nil || s.Has("badbadba") {
		t.Errorf("created a unit that can't be written: %v", err)
	}
}

// What a crash leaves of a unit that was just made or released is no unit.
func TestPartsAreNoUnits(t *testing.T) {
	s := open(t)
	whole := create(t, s, "wholewho")
	for _, id := range []string{"justmade", "released"} {
		if err := os.Rename(create(t, s, id).Path(), s.Dir(id).part().Path()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sweep(); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(whole.Path()))
	if err != nil || len(entries) != 1 || entries[0].Name() != "wholewho" {
		t.Errorf("left are %v, %v", entries, err)
	}
	if err := whole.Remove(); err != nil || s.Has("wholewho") {
		t.Errorf("not removed: %v", err)
	}
	if err := whole.Remove(); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}

func TestNodeIDStaysInTheDataDirectory(t *testing.T) {
	for _, id := range []string{"", ".", "..", "../x", "/x"} {
		if _, err := Open(t.TempDir(), id); err == nil {
			t.Errorf("node ID %q was accepted", id)
		}
	}
}

// A full file system still takes the end of a unit.
func TestEndOnAFullDisk(t *testing.T) {
	mnt := t.TempDir()
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a small file system can't be mounted here:", err)
	}
	defer func() {
		if err := unix.Unmount(mnt, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	s, err := Open(mnt, "node")
	if err != nil {
		t.Fatal(err)
	}
	d := create(t, s, "abcdefgh")
	if err := os.WriteFile(d.Stdout(), make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if _, err := s.Create("nospaces", unit.NewLocal("cat", "").Record, ""); !errors.Is(err, unix.ENOSPC) || s.Has("nospaces") {
		t.Errorf("created on a full disk: %v", err)
	}
	if err := d.Save(unit.Record{State: unit.Failed, Detail: "x", WorkType: "cat"}); err != nil {
		t.Fatal(err)
	}
	if got := detail(t, d); got != "x" {
		t.Errorf("the end is %q", got)
	}
}
