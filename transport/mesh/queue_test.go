package mesh

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

// data is a data frame of flow n with size bytes, marked with mark.
func data(n, size int, mark byte) *frame.Buf {
	f := frame.New(size)
	clear(f.Bytes())
	wire.Header{From: uint64(n)}.Put(f.Bytes())
	f.Bytes()[size-1] = mark
	return f
}

func take(t *testing.T, q *Queue) []*frame.Buf {
	t.Helper()
	batch, err := q.TakeBatch(nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestControlGoesFirst(t *testing.T) {
	q := NewQueue(1 << 20)
	q.putData(data(1, 100, 1), nil)
	q.PutControl("", frame.Copy([]byte{1}))
	batch := take(t, q)
	if len(batch) != 2 || batch[0].Len() != 1 {
		t.Errorf("batch of %d, first has %d bytes", len(batch), batch[0].Len())
	}
}

func TestNewerControlReplacesOlder(t *testing.T) {
	q := NewQueue(1 << 20)
	for i, key := range []string{"a", "b", "", "a", "", "b"} {
		q.PutControl(key, frame.Copy([]byte{byte(i)}))
	}
	var got []byte
	for _, f := range take(t, q) {
		got = append(got, f.Bytes()[0])
	}
	if fmt.Sprint(got) != "[3 5 2 4]" {
		t.Errorf("got %v", got)
	}
	q.PutControl("a", frame.Copy([]byte{9}))
	if batch := take(t, q); len(batch) != 1 || batch[0].Bytes()[0] != 9 {
		t.Errorf("a key that was taken is free again: %v", batch)
	}
}

// What was taken is out of reach: a newer message replaces only what still waits.
func TestNewerControlReplacesWhatIsStillThere(t *testing.T) {
	q := NewQueue(1 << 20)
	put := func(i int, mark byte) {
		f := data(1, 1<<10, mark)
		q.PutControl(fmt.Sprint(i), f)
	}
	for i := range 100 {
		put(i, byte(i))
	}
	first := len(take(t, q))
	put(90, 200)
	put(5, 201) // was taken, so it comes last
	var got []byte
	for _, f := range take(t, q) { // less than a batch is left
		got = append(got, f.Bytes()[f.Len()-1])
	}
	for i, mark := range got {
		want := byte(first + i)
		switch {
		case first+i == 90:
			want = 200
		case first+i == 100:
			want = 201
		}
		if mark != want {
			t.Errorf("message %d is %d, want %d", i, mark, want)
		}
	}
	if first+len(got) != 101 {
		t.Errorf("%d and %d messages", first, len(got))
	}
}

// A frame that no queue has room for is dropped, and leaves nothing behind.
func TestAFrameThatIsTooLargeForTheQueue(t *testing.T) {
	q := NewQueue(1000)
	q.putData(data(1, 2000, 1), nil)
	if s := q.Stats(); s.Dropped != 1 || s.Flows != 0 || s.QueuedBytes != 0 {
		t.Errorf("%+v", s)
	}
	q.putData(data(1, 500, 2), nil)
	if batch := take(t, q); len(batch) != 1 || batch[0].Len() != 500 {
		t.Errorf("a batch of %d", len(batch))
	}
	if s := q.Stats(); s.Taken != 1 || s.TakenBytes != 500 {
		t.Errorf("%+v", s)
	}
}

// Flows share by bytes, not by frames.
func TestLargeFramesAreNoAdvantage(t *testing.T) {
	q := NewQueue(8 << 20)
	for range 1000 {
		q.putData(data(1, 1400, 1), nil)
	}
	for range 10000 {
		q.putData(data(2, 140, 2), nil)
	}
	bytes := map[byte]int{}
	for range 10 {
		for _, f := range take(t, q) {
			bytes[f.Bytes()[f.Len()-1]] += f.Len()
		}
	}
	if more := bytes[1] - bytes[2]; max(more, -more) > 2*quantum {
		t.Errorf("%d bytes in large frames, %d in small ones", bytes[1], bytes[2])
	}
}

func TestControlLaneIsBounded(t *testing.T) {
	q := NewQueue(1 << 20)
	for range maxControl + 10 {
		q.PutControl("", frame.Copy([]byte{1}))
	}
	if got := q.Stats().Dropped; got != 10 {
		t.Errorf("dropped %d", got)
	}
}

func TestSmallFlowIsNotDelayedByBulk(t *testing.T) {
	q := NewQueue(1 << 20)
	for range 200 {
		q.putData(data(1, 1400, 0), nil)
	}
	q.putData(data(2, 50, 7), nil)
	for i, f := range take(t, q) {
		if f.Len() == 50 {
			if i > quantum/1400+1 {
				t.Errorf("small flow at position %d", i)
			}
			return
		}
	}
	t.Error("small flow not in the first batch")
}

func TestFlowsShareEvenly(t *testing.T) {
	q := NewQueue(8 << 20)
	for n := range 4 {
		for range 300 {
			q.putData(data(n, 1400, byte(n)), nil)
		}
	}
	count := map[byte]int{}
	for total := 0; total < 600; {
		for _, f := range take(t, q) {
			count[f.Bytes()[f.Len()-1]]++
			total++
		}
	}
	for n, c := range count {
		if c < 120 || c > 180 {
			t.Errorf("flow %d got %d of 600", n, c)
		}
	}
}

func TestOverflowCostsTheLongestFlow(t *testing.T) {
	q := NewQueue(100 << 10)
	for range 10 {
		q.putData(data(2, 100, 2), nil)
	}
	for range 200 {
		q.putData(data(1, 1400, 1), nil)
	}
	s := q.Stats()
	if s.QueuedBytes > 100<<10 || s.Dropped == 0 {
		t.Errorf("%+v", s)
	}
	small := 0
	for total := s.QueuedFrames; total > 0; {
		batch := take(t, q)
		for _, f := range batch {
			if f.Len() == 100 {
				small++
			}
		}
		total -= len(batch)
	}
	if small != 10 {
		t.Errorf("%d of 10 small frames left", small)
	}
	if s := q.Stats(); s.QueuedBytes != 0 || s.Flows != 0 {
		t.Errorf("not empty: %+v", s)
	}
}

func TestLocalSenderWaitsAndCloseWakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1 << 20)
		sent, result := 0, make(chan bool, 1)
		go func() {
			for q.putData(data(1, 1400, 0), new(patience)) {
				sent++
			}
			result <- false
		}()
		synctest.Wait()
		before := sent
		if bound := flowBytes/(1400+frameOverhead) + 1; before > bound {
			t.Errorf("%d frames before it waited, bound is %d", before, bound)
		}
		batch := take(t, q)
		synctest.Wait()
		if sent != before+len(batch) {
			t.Errorf("sent %d after %d were taken, %d before", sent, len(batch), before)
		}
		q.Close()
		<-result
		if _, err := q.TakeBatch(nil); !errors.Is(err, ErrClosed) {
			t.Errorf("take: %v", err)
		}
		q.PutControl("x", frame.Copy([]byte{1}))
		if q.putData(data(1, 100, 0), new(patience)) {
			t.Error("put after close")
		}
	})
}

// What local senders wait for is never dropped, however small the queue.
func TestLocalSendersDropNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(8 << 10)
		for n := range 3 {
			go func() {
				for q.putData(data(n, 1000, 0), new(patience)) {
				}
			}()
		}
		for range 50 {
			synctest.Wait()
			if s := q.Stats(); s.Dropped > 0 || s.QueuedBytes > 8<<10 {
				t.Fatalf("%+v", s)
			}
			take(t, q)
		}
		q.Close()
	})
}

func TestAControlMessageWakesTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1 << 20)
		defer q.Close()
		woken := make(chan int, 1)
		go func() {
			batch, err := q.TakeBatch(nil)
			if err != nil {
				t.Error(err)
			}
			woken <- len(batch)
		}()
		synctest.Wait()
		q.PutControl("", frame.Copy([]byte{1}))
		synctest.Wait()
		select {
		case n := <-woken:
			if n != 1 {
				t.Errorf("a batch of %d", n)
			}
		default:
			t.Fatal("the writer sleeps on")
		}
	})
}

// Flows come and go; a queue knows those that have something in it.
func TestFlowsThatAreSentAreForgotten(t *testing.T) {
	q := NewQueue(1 << 20)
	for round := range 3 {
		for n := range 200 {
			q.putData(data(200*round+n, 100, 1), nil)
		}
		for got := 0; got < 200; {
			got += len(take(t, q))
		}
	}
	if len(q.flows) != 0 || len(q.spare) > 64 {
		t.Errorf("%d flows, %d to use again", len(q.flows), len(q.spare))
	}
}

// The delay is that of frames that were followed: smoothed, or more if one has waited
// longer already. Who has gone is not followed any more.
func TestDelayOfAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(500)
		expect := func(when string, want time.Duration) {
			t.Helper()
			if got := q.Stats().Delay; got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		expect("nothing yet", 0)
		q.putData(data(1, 200, 1), nil)
		time.Sleep(800 * time.Millisecond)
		expect("one waits", 800*time.Millisecond)
		take(t, q)
		time.Sleep(time.Hour)
		expect("it was sent", 100*time.Millisecond)
		q.putData(data(1, 200, 1), nil)
		q.putData(data(1, 100, 2), nil)
		time.Sleep(900 * time.Millisecond)
		expect("the first of two waits", 900*time.Millisecond)
		take(t, q)
		expect("both were sent", 200*time.Millisecond)
		q.putData(data(1, 200, 1), nil)
		q.putData(data(1, 200, 2), nil) // costs the first
		time.Sleep(time.Hour)
		expect("the followed one was dropped", 200*time.Millisecond)
	})
}

func BenchmarkQueue(b *testing.B) {
	for _, flows := range []int{1, 16} {
		b.Run(fmt.Sprintf("%dflows", flows), func(b *testing.B) {
			q := NewQueue(DefaultQueueBytes)
			batch := make([]*frame.Buf, 0, 128)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := frame.New(1452)
				wire.Header{From: uint64(i % flows)}.Put(f.Bytes())
				q.putData(f, nil)
				if i++; i%32 == 0 {
					batch, _ = q.TakeBatch(batch[:0])
					for _, f := range batch {
						f.Free()
					}
				}
			}
		})
	}
}
