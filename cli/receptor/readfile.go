package main

import (
	"fmt"
	"io"
	"os"
)

// maxFile is far more than any configuration or key needs.
const maxFile = 4 << 20

// readFile reads a whole file, unless it is too long to be meant.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB: is it the right file?", name, maxFile>>20)
	}
	return data, err
}
