package node

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// day is the instant at which these nodes start, and dayEpoch its epoch.
var day = time.Unix(1_800_000_000, 0)

const dayEpoch = 1_800_000_000 << 24

// keeps is a keeper in a new data folder, and what it logs.
func keeps(t *testing.T) (keeper, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	return newKeeper(Config{ID: "a", DataDir: filepath.Join(t.TempDir(), "data")}, zerolog.New(log)), log
}

// has puts a file into a folder.
func has(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// entries are the names in a folder, which need not exist.
func entries(t *testing.T, dir string) string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	names := make([]string, len(found))
	for i, e := range found {
		names[i] = e.Name()
	}
	return strings.Join(names, " ")
}

func wantEpoch(t *testing.T, k keeper, now time.Time, want uint64) {
	t.Helper()
	if e, err := k.nextEpoch(now); err != nil || e != want {
		t.Errorf("epoch %d, %v, want %d", e, err, want)
	}
}

func TestEpochNeverGoesBack(t *testing.T) {
	k, _ := keeps(t)
	wantEpoch(t, k, day, dayEpoch)
	wantEpoch(t, k, day.Add(-24*time.Hour), dayEpoch+1)
	wantEpoch(t, k, day.Add(time.Hour), dayEpoch+3600<<24)
}

func TestEpochSurvivesABadFile(t *testing.T) {
	k, _ := keeps(t)
	has(t, k.dir, epochFile, "garbage")
	wantEpoch(t, k, day, dayEpoch)
	wantEpoch(t, k, day, dayEpoch+1)

	k.dir, k.units = filepath.Join(k.dir, epochFile), filepath.Join(k.dir, epochFile)
	if e, err := k.nextEpoch(day); err == nil || e != dayEpoch {
		t.Errorf("files for folders: %d, %v", e, err)
	}
}

// Other implementations take whatever stands amidst the units for one. What earlier
// versions kept there moves out, wherever a crash has ended an earlier move.
func TestEpochMovesOut(t *testing.T) {
	for name, c := range map[string]struct {
		here, amidst string
		want         uint64
	}{
		"nothing yet":                   {"", "", dayEpoch},
		"amidst the units":              {"", "30198988800000007\n", 30198988800000008},
		"the copy was not removed":      {"30198988800000007\n", "30198988800000007\n", 30198988800000008},
		"nor the one before":            {"30198988800000009\n", "30198988800000007\n", 30198988800000010},
		"an old version ran in between": {"30198988800000007\n", "30198988800000009\n", 30198988800000010},
		"garbage amidst the units":      {"30198988800000007\n", "garbage", 30198988800000008},
		"moved":                         {"30198988800000007\n", "", 30198988800000008},
	} {
		t.Run(name, func(t *testing.T) {
			k, log := keeps(t)
			if c.here != "" {
				has(t, k.dir, epochFile, c.here)
				has(t, k.dir, epochFile+".tmp", "3019")
			}
			if c.amidst != "" {
				has(t, k.units, epochFile, c.amidst)
			}
			has(t, k.units, "unit", "")
			wantEpoch(t, k, day, c.want)
			wantEpoch(t, k, day, c.want+1)
			if here, amidst := entries(t, k.dir), entries(t, k.units); here != epochFile || amidst != "unit" || log.Len() > 0 {
				t.Errorf("kept %q, amidst the units %q, said %s", here, amidst, log)
			}
			wantMode(t, k.dir, 0o700|fs.ModeDir)
			wantMode(t, filepath.Join(k.dir, epochFile), 0o600)
		})
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode() != want {
		t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
	}
}

// What can't be read may hold a later epoch: it stays until somebody mends it.
func TestUnreadableEpochStays(t *testing.T) {
	for name, place := range map[string]func(keeper) string{
		"here":   func(k keeper) string { return k.dir },
		"amidst": func(k keeper) string { return k.units },
	} {
		t.Run(name, func(t *testing.T) {
			k, _ := keeps(t)
			path := filepath.Join(place(k), epochFile)
			has(t, path, "folder", "for a file: not even root can read it")
			for i := range uint64(2) {
				e, err := k.nextEpoch(day)
				if err == nil || !strings.Contains(err.Error(), path) || e != dayEpoch+i {
					t.Errorf("unreadable: %d, %v", e, err)
				}
			}
			if entries(t, path) != "folder" {
				t.Error("it is gone")
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			has(t, place(k), epochFile, "40000000000000000")
			wantEpoch(t, k, day, 40000000000000001)
			if here, amidst := entries(t, k.dir), entries(t, k.units); here != epochFile || amidst != "" {
				t.Errorf("kept %q, amidst the units %q", here, amidst)
			}
		})
	}
}

// Where the place can't be had things stay amidst the units, and nothing is lost.
func TestWhatCanNotMoveStays(t *testing.T) {
	k, log := keeps(t)
	has(t, filepath.Dir(filepath.Dir(k.dir)), reservedID, "a file")
	has(t, k.units, epochFile, "30198988800000007")
	wantEpoch(t, k, day, 30198988800000008)
	wantEpoch(t, k, day, 30198988800000009)
	key := k.resetKey()
	if again := k.resetKey(); key == nil || again == nil || *again != *key {
		t.Errorf("key %x and then %x", key, again)
	}
	if amidst := entries(t, k.units); amidst != epochFile+" "+resetFile {
		t.Errorf("amidst the units: %q", amidst)
	}
	if !strings.Contains(log.String(), "other implementations will take it for one") {
		t.Errorf("said %q", log)
	}
	if err := os.Remove(filepath.Dir(k.dir)); err != nil {
		t.Fatal(err)
	}
	wantEpoch(t, k, day, 30198988800000010)
	if again := k.resetKey(); again == nil || *again != *key {
		t.Errorf("key %x and then %x", key, again)
	}
	if here, amidst := entries(t, k.dir), entries(t, k.units); here != epochFile+" "+resetFile || amidst != "" {
		t.Errorf("kept %q, amidst the units %q", here, amidst)
	}
}

// withModes has f heed the modes of files, which root need not.
func withModes(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var was [2]unix.CapUserData
	if err := unix.Capget(&self, &was[0]); err != nil {
		t.Fatal(err)
	}
	without := was
	without[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&self, &without[0]); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Capset(&self, &was[0]); err != nil {
			t.Error(err)
		}
	}()
	f()
}

func TestReadOnlyFolders(t *testing.T) {
	k, log := keeps(t)
	data := filepath.Dir(k.units)
	has(t, k.units, epochFile, "30198988800000007")
	mode := func(path string, mode fs.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { mode(data, 0o700); mode(k.units, 0o700) })
	mode(k.units, 0o500)
	withModes(t, func() {
		wantEpoch(t, k, day, 30198988800000008) // moved, and the copy can't be removed
		wantEpoch(t, k, day, 30198988800000009)
		if !strings.Contains(log.String(), "permission denied") {
			t.Errorf("said %q", log)
		}
		mode(k.units, 0o700)
		wantEpoch(t, k, day, 30198988800000010)
		if amidst := entries(t, k.units); amidst != "" {
			t.Errorf("amidst the units: %q", amidst)
		}
		mode(k.units, 0o500)
		mode(k.dir, 0o500)
		if e, err := k.nextEpoch(day); err == nil || e != 30198988800000011 {
			t.Errorf("nothing can be written: %d, %v", e, err)
		}
		mode(k.dir, 0o700)
	})
}

func TestResetKeyMovesOut(t *testing.T) {
	k, log := keeps(t)
	text := strings.Repeat("0123456789abcdef", 4)
	has(t, k.units, resetFile, text+"\n")
	first := k.resetKey()
	has(t, k.units, resetFile, strings.Repeat("0", 64)) // as after a crash, or by an old version
	second := k.resetKey()
	if first == nil || second == nil || *first != *second || first[0] != 0x01 || first[31] != 0xef {
		t.Errorf("keys %x and %x", first, second)
	}
	if here, amidst := entries(t, k.dir), entries(t, k.units); here != resetFile || amidst != "" || log.Len() > 0 {
		t.Errorf("kept %q, amidst the units %q, said %s", here, amidst, log)
	}
}

// Nodes of one data folder keep their own; none can have the folder of all.
func TestReservedNodeID(t *testing.T) {
	if _, err := Start(Config{ID: "LocalHost", DataDir: t.TempDir()}, quiet(t)); err == nil || !strings.Contains(err.Error(), "reserved") {
		t.Errorf("got %v", err)
	}
	a, _ := keeps(t)
	b := newKeeper(Config{ID: "b", DataDir: filepath.Dir(a.units)}, quiet(t))
	wantEpoch(t, a, day, dayEpoch)
	wantEpoch(t, b, day, dayEpoch)
}
