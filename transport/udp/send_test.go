package udp

import "testing"

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		sizes   []int
		longest int
		want    int
	}{
		{[]int{5}, 100, 1},
		{[]int{5, 5, 5}, 100, 3},
		{[]int{5, 5, 4, 5}, 100, 3},
		{[]int{5, 6}, 100, 1},
		{[]int{5, 5, 0}, 100, 2},
		{[]int{5, 5}, 4, 1},
		{[]int{5, 5}, 0, 1},
		{[]int{30000, 30000, 30000}, maxRun / 2, 2},
		{make65(), 100, 64},
	} {
		if got := run(batchOf(c.sizes...), c.longest); got != c.want {
			t.Errorf("%v: %d, want %d", c.sizes, got, c.want)
		}
	}
}

func make65() []int {
	s := make([]int, 65)
	for i := range s {
		s[i] = 9
	}
	return s
}

// TestRunsThatDontFit sends them one by one, now and later.
func TestRunsThatDontFit(t *testing.T) {
	near, far := meet(t, listen(t, "127.0.0.1:0"))
	near.sender.control = make([]byte, controlSpace)
	if near.sender.longest == 0 {
		t.Skip("this kernel sends no runs")
	}
	near.sender.longest = maxPacket // let the kernel refuse
	batch := batchOf(40, 33000, 33000)
	if err := near.sender.sendRun(batch[1:]); err != nil {
		t.Fatal(err)
	}
	if near.sender.longest != 32999 {
		t.Errorf("longest is %d", near.sender.longest)
	}
	read(t, far, string(batch[1].Bytes()), string(batch[2].Bytes()))
}
