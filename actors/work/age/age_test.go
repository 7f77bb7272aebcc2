package age

import (
	"testing"
	"time"
)

// machine is a fake one: its clocks are what a test says.
type machine struct {
	boot  string
	up    time.Duration
	wall  time.Time
	book  Book
	files map[string]time.Time
}

func newMachine() *machine {
	m := &machine{boot: "one", up: 100 * time.Hour, wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), files: map[string]time.Time{}}
	m.read()
	return m
}

func (m *machine) read() { m.book, _ = m.book.Read(Reading{m.boot, m.up, m.wall}) }

// pass lets time go by; the clocks are read now and then.
func (m *machine) pass(d time.Duration) {
	for ; d > 0; d -= 10 * time.Minute {
		m.sleep(min(d, 10*time.Minute))
		m.read()
	}
}

// sleep lets time go by while nobody reads the clocks.
func (m *machine) sleep(d time.Duration) { m.up += d; m.wall = m.wall.Add(d) }

func (m *machine) set(d time.Duration)           { m.wall = m.wall.Add(d) }
func (m *machine) write(name string)             { m.files[name] = m.wall }
func (m *machine) reboot(boot string)            { m.boot, m.up = boot, 0 }
func (m *machine) age(name string) time.Duration { return m.book.Age(m.files[name]) }

func (m *machine) expect(t *testing.T, name string, want time.Duration) {
	t.Helper()
	if got := m.age(name); (got - want).Abs() > slack {
		t.Errorf("%s is %v old, want %v", name, got, want)
	}
}

const year = 365 * 24 * time.Hour

func TestAgeIsTheTimeThatWentBy(t *testing.T) {
	m := newMachine()
	m.pass(time.Hour)
	m.write("early")
	m.pass(time.Hour)
	m.write("late")
	m.sleep(5 * time.Hour) // the daemon is down, its machine is not
	m.read()
	m.expect(t, "early", 6*time.Hour)
	m.expect(t, "late", 5*time.Hour)
}

// However a clock is set, whenever: nothing is older than it is.
func TestAClockThatIsSetMakesNothingOld(t *testing.T) {
	for name, c := range map[string]struct {
		during   func(m *machine) // between the file and the last reading, an hour later
		youngest time.Duration
	}{
		"not set":                        {func(m *machine) { m.pass(time.Hour) }, time.Hour},
		"forward, while the daemon runs": {func(m *machine) { m.pass(30 * time.Minute); m.set(year); m.pass(30 * time.Minute) }, time.Hour},
		"back, while the daemon runs":    {func(m *machine) { m.pass(30 * time.Minute); m.set(-year); m.pass(30 * time.Minute) }, time.Hour},
		"forward, while it is down":      {func(m *machine) { m.sleep(30 * time.Minute); m.set(year); m.sleep(30 * time.Minute); m.read() }, time.Hour},
		"back, while it is down":         {func(m *machine) { m.sleep(30 * time.Minute); m.set(-year); m.sleep(30 * time.Minute); m.read() }, time.Hour},
		"forward and back": {func(m *machine) {
			m.pass(time.Minute)
			m.set(year)
			m.pass(time.Minute)
			m.set(-year)
			m.pass(58 * time.Minute)
		}, time.Hour},
		"by a boot that knows no time": {func(m *machine) {
			m.pass(50 * time.Minute)
			m.reboot("two")
			m.wall = time.Unix(0, 0)
			m.pass(10 * time.Minute)
		}, 50 * time.Minute},
		"by a boot that is a year ahead": {func(m *machine) {
			m.pass(50 * time.Minute)
			m.set(year)
			m.reboot("two")
			m.sleep(10 * time.Minute)
			m.read()
		}, time.Hour},
		"by a machine that was off": {func(m *machine) { m.pass(50 * time.Minute); m.set(10 * time.Minute); m.reboot("two"); m.read() }, 50 * time.Minute},
		"by a machine that has been up longer": {func(m *machine) {
			m.pass(50 * time.Minute)
			m.sleep(10 * time.Minute)
			m.boot, m.up = "two", year
			m.read()
		}, time.Hour},
		"by a kernel without a name": {func(m *machine) { m.boot = ""; m.pass(time.Hour) }, 0},
	} {
		m := newMachine()
		m.pass(time.Hour)
		m.write("file")
		c.during(m)
		if got := m.age("file"); got > time.Hour+slack || got < c.youngest-slack {
			t.Errorf("%s: %v old after an hour, want at least %v", name, got, c.youngest)
		}
		before := m.age("file")
		m.pass(3 * time.Hour)
		if got := m.age("file"); m.boot != "" && (got-before-3*time.Hour).Abs() > slack {
			t.Errorf("%s: 3 h later it is %v old, not %v", name, got, before+3*time.Hour)
		}
	}
}

// A file that was written while the clock was wrong keeps its age when the clock is
// mended.
func TestFilesOfAWrongClock(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"ahead": year, "behind": -50 * year} {
		m := newMachine()
		m.pass(time.Hour)
		m.set(wrong)
		m.pass(time.Hour)
		m.write(name)
		m.pass(time.Hour)
		m.set(-wrong)
		m.pass(time.Hour)
		m.expect(t, name, 2*time.Hour)
	}
}

// What a runner wrote while the daemon was down, by a clock that was set meanwhile, is
// not older than that.
func TestFilesThatWereWrittenUnseen(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": year, "back": -30 * time.Minute, "far back": -year} {
		m := newMachine()
		m.pass(3 * time.Hour)
		m.sleep(time.Hour)
		m.set(jump)
		m.sleep(time.Hour)
		m.write(name)
		m.sleep(time.Hour)
		m.read()
		if got := m.age(name); got < 0 || got > time.Hour+slack {
			t.Errorf("%s: %v", name, got)
		}
		before := m.age(name)
		m.pass(time.Hour)
		if got := m.age(name); got < before { // it gets old in the end
			t.Errorf("%s: %v, was %v", name, got, before)
		}
	}
}

// Of what was there before, nothing is known; what is from the future is new.
func TestFilesThatNobodySaw(t *testing.T) {
	m := newMachine()
	m.files["old"], m.files["future"] = m.wall.Add(-year), m.wall.Add(year)
	m.expect(t, "old", 0)
	m.pass(time.Hour)
	m.expect(t, "old", time.Hour)
	m.expect(t, "future", 0)
	if got := (Book{}).Age(m.wall); got != 0 {
		t.Errorf("by an empty book: %v", got)
	}
}

// A clock that is only slow is not set, and one that is set all the time fills no disk.
func TestBooksStaySmall(t *testing.T) {
	m := newMachine()
	for range 1000 {
		m.pass(time.Hour)
		m.set(time.Millisecond)
	}
	if n := len(m.book.Spans); n != 1 {
		t.Errorf("%d spans of a clock that is slow", n)
	}
	for range 2 * maxSpans {
		m.set(time.Hour)
		m.pass(time.Minute)
	}
	if n := len(m.book.Spans); n != maxSpans {
		t.Errorf("%d spans of a clock that is set all the time", n)
	}
	m.write("file")
	m.pass(time.Hour)
	m.expect(t, "file", time.Hour)
}

// Reading changes no book that somebody has.
func TestReadLeavesTheBookAlone(t *testing.T) {
	m := newMachine()
	before := m.book
	span := before.Spans[0]
	m.pass(time.Hour)
	if before.Spans[0] != span || len(before.Spans) != 1 {
		t.Errorf("%v", before)
	}
}
