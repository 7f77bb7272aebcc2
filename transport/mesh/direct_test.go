package mesh

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/frame"
)

// directQueue writes what local senders write themselves to the channel.
func directQueue() (*Queue, chan byte) {
	q, wire := NewQueue(1<<20), make(chan byte)
	q.Direct(func(batch []*frame.Buf) error {
		for _, f := range batch {
			wire <- f.Bytes()[f.Len()-1]
			f.Free()
		}
		return nil
	})
	return q, wire
}

func TestALocalSenderWritesToACalmLinkItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, wire := directQueue()
		go func() {
			if !q.putData(data(1, 100, 1), new(patience)) {
				t.Error("what was written is said to be lost")
			}
		}()
		synctest.Wait() // it has the turn and waits for the wire
		q.putData(data(1, 100, 2), new(patience))
		q.putData(data(2, 100, 3), nil)
		q.PutControl("", frame.Copy([]byte{4}))
		taken := make(chan []*frame.Buf)
		go func() {
			batch, err := q.TakeBatch(nil)
			if err != nil {
				t.Error(err)
			}
			taken <- batch
		}()
		synctest.Wait()
		select {
		case <-taken:
			t.Fatal("two write at a time")
		default:
		}
		if mark := <-wire; mark != 1 {
			t.Errorf("the wire carries %d", mark)
		}
		if batch := <-taken; len(batch) != 3 || batch[0].Len() != 1 {
			t.Errorf("then a batch of %d", len(batch))
		}
		time.Sleep(time.Second)
		q.putData(data(1, 100, 5), new(patience)) // the writer has not come back: its turn
		if s := q.Stats(); s.QueuedFrames != 1 || s.Taken != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestFramesInQuickSuccessionAreLeftToTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, wire := directQueue()
		go q.putData(data(1, 100, 1), new(patience))
		<-wire
		synctest.Wait()
		q.putData(data(1, 100, 2), new(patience))
		if s := q.Stats(); s.QueuedFrames != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * calm)
		q.putData(data(1, 100, 3), new(patience)) // and none overtakes another
		if batch := take(t, q); len(batch) != 2 {
			t.Errorf("a batch of %d", len(batch))
		}
	})
}

func TestForwardedFramesNeverWaitForTheWire(t *testing.T) {
	q, _ := directQueue()
	q.putData(data(1, 100, 1), nil)
	if s := q.Stats(); s.QueuedFrames != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAFailedDirectWriteEndsTheWriter(t *testing.T) {
	q, broken := NewQueue(1<<20), errors.New("broken")
	q.Direct(func(batch []*frame.Buf) error {
		batch[0].Free()
		return broken
	})
	q.putData(data(1, 100, 1), new(patience))
	if _, err := q.TakeBatch(nil); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
