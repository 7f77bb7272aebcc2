package main

import "receptor/cli/internal/smallfile"

// readFile reads a configuration, a certificate or a key.
func readFile(name string) ([]byte, error) { return smallfile.Read(name, smallfile.Limit) }
