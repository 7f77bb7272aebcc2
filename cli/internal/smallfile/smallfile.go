// Package smallfile reads files that are meant to be small, as whoever names a device
// or another file by mistake finds out.
package smallfile

import (
	"fmt"
	"io"
	"os"
)

// Limit is far more than any configuration or key needs.
const Limit = 4 << 20

// Read reads a whole file, unless it is longer than the limit.
func Read(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than %d MiB: is it the right file?", name, limit>>20)
	}
	return data, err
}
