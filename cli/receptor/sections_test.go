package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The map form starts as documented, with and without the switch, whatever the
// file is called.
func TestBinaryRunsTheMapForm(t *testing.T) {
	dir := t.TempDir()
	text := "version: 2\nnode: {id: foo, datadir: " + dir + "}\nlocal-only: {local: true}\n"
	file := write(t, dir, "f.conf", text)
	write(t, dir, "receptor.yml", text)
	for _, args := range [][]string{{"--config", file}, {"-c", file}, {"--config-v2", "--config=" + file}, {"--config", file, "--config-v2"}, {"--config-v2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Setenv("HOME", dir)
			d := startDaemon(t, append([]string{binary}, args...)...)
			if strings.Contains(strings.Join(args, " "), "v2") {
				d.expect(t, "^Running v2 cli/config$")
				d.expect(t, "^Using config file: "+dir)
			}
			d.expect(t, complete)
			d.signal(t, syscall.SIGTERM)
			d.ends(t)
		})
	}
}

func TestBinaryWithTheSwitchOfTheMapForm(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	const banner = "Running v2 cli/config\n"
	runBinary(t, dir, "--config-v2").failed(t, banner+"Error: Could not locate config file (default is $HOME/receptor.yaml)\n")
	runBinary(t, dir, "--config-v2", "--config", "nope.yml").failed(t, banner+"Error: error loading config file: open nope.yml: no such file or directory\n")
	empty := write(t, dir, "empty.yml", "version: 2\n")
	r := runBinary(t, dir, "--config-v2", "--config", empty)
	if r.status != 0 || r.stdout != banner+"Using config file: "+empty+"\nempty receptor config, skipping...\n" {
		t.Errorf("%+v", r)
	}
}

// A file that makes certificates and runs a node makes them once.
func TestBinaryKeepsCertificatesOfAMap(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "f.yml", "cert-init: {commonname: CA, keytype: ecdsa, outcert: ca.crt, outkey: ca.key}\nnode: {id: foo, datadir: .}\n")
	for range 2 {
		r := runBinary(t, dir, "-c", file)
		if r.status != 1 || !strings.Contains(r.stdout, "Nothing to do") {
			t.Errorf("%+v", r)
		}
		if _, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil {
			t.Error(err)
		}
	}
}

// Nothing that stands in a file, or is no file, ends in a stack trace.
func TestBinarySurvivesBadFiles(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"\x00\x01\x02":                    "line 1: not text in UTF-8: byte 0x00 at offset 0",
		"\x7fELF\x02\x01":                 "yaml: control characters are not allowed",
		"- node: a\n- node: \xff\xfe":     "line 2: not text in UTF-8: byte 0xff at offset 18",
		"node:\n\tid: a":                  "yaml: line 2: found character that cannot start any token",
		"- node: &a [*a]":                 "yaml: anchor 'a' value contains itself",
		"- {a: &a {b: &b [x, x]}, c: *c}": "yaml: unknown anchor 'c' referenced",
		strings.Repeat("[", 20000):        "yaml: ",
		"a = 1":                           "the top level is a single value",
		"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n": "yaml: document contains excessive aliasing",
	} {
		file := write(t, dir, "f", text)
		runBinary(t, dir, "-c", file).failed(t, "Error: error loading config file: "+want)
	}
	runBinary(t, dir, "-c", "/dev/zero").failed(t, "Error: error loading config file: /dev/zero is larger than 4 MiB: is it the right file?\n")
	runBinary(t, dir, "-c", write(t, dir, "empty", ""), "--log-level", "error").failed(t, "Run "+binary)
}
