package work

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"receptor/actors/work/pod"
	"receptor/actors/work/store"
)

// podOutput is the output file of a unit that a pod does.
type podOutput struct {
	*os.File
	feed *feed
	size int64
	max  int64 // 0: no limit
}

func openOutput(d store.Dir, feeds *Feeds, id string, limit int64) (*podOutput, error) {
	file, err := os.OpenFile(d.Stdout(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	o := &podOutput{File: file, size: info.Size(), max: limit}
	if f, ok := feeds.find(id); ok {
		o.feed = f
	}
	return o, nil
}

func (o *podOutput) Size() int64 { return o.size }

// Append writes, and wakes the readers.
func (o *podOutput) Append(p []byte) error {
	if room := o.max - o.size; o.max > 0 && int64(len(p)) > room {
		return failed("output is larger than the limit of %d bytes; the pod was deleted", o.max)
	}
	n, err := o.Write(p)
	o.size += int64(n)
	if n > 0 && o.feed != nil {
		o.feed.grew()
	}
	if err != nil {
		return failed("Error writing output: %v; the pod was deleted", err)
	}
	return nil
}

func readPosition(d store.Dir) (p pod.Position, err error) {
	text, err := os.ReadFile(d.LogFile())
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err
}

func writePosition(d store.Dir, p pod.Position) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	err = store.Replace(d.LogFile(), text, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the unit was released
	}
	return err
}
