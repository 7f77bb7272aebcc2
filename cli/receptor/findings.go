package main

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"receptor/actors/node"
	"receptor/cli/receptor/config"
	"receptor/transport/secure"
	"receptor/transport/secure/cert"
)

// findings are what a look at the host shows about a configuration.
type findings struct {
	cfg      *config.Config
	node     node.Config
	errs     []error
	warnings []string
}

func (f *findings) wrong(format string, values ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, values...))
}

func (f *findings) doubt(format string, values ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, values...))
}

func (f *findings) look() {
	if !f.cfg.Serves {
		return
	}
	if f.node.CountBackends() == 0 {
		f.wrong("nothing to do: no listener and no peer is configured, and not local-only")
	}
	f.certificates()
	f.keys()
	f.sockets()
	f.addresses()
	f.commands()
	f.dataDir()
}

// certificates loads every TLS configuration, as the node does.
func (f *findings) certificates() {
	store := secure.NewStore(secure.Config{NodeID: f.node.ID, Log: zerolog.Nop()})
	for _, s := range f.node.TLSServers {
		if err := store.AddServer(s); err != nil {
			f.errs = append(f.errs, err)
		}
	}
	for _, c := range f.node.TLSClients {
		if err := store.AddClient(c); err != nil {
			f.errs = append(f.errs, err)
		}
	}
	for _, c := range store.Certificates() {
		if c.Soon {
			f.doubt("certificate %s of %s expires at %s", c.File, c.Config, c.Expires)
		}
	}
}

// keys reads the keys of signed work, which a node reads when it needs them.
func (f *findings) keys() {
	if file := f.node.WorkSigning.PrivateKeyFile; file != "" {
		f.key(file, func(data []byte) error {
			_, err := cert.ReadKey(data)
			return err
		})
	}
	if file := f.node.WorkVerification.PublicKeyFile; file != "" {
		f.key(file, func(data []byte) error {
			_, err := cert.ReadPublicKey(data)
			return err
		})
	}
}

func (f *findings) key(file string, parse func([]byte) error) {
	data, err := readFile(file)
	if err == nil {
		err = parse(data)
	}
	if err != nil {
		f.wrong("read key %s: %w", file, err)
	}
}

// sockets looks at the paths of Unix sockets. Whether one is in use is no matter:
// that may be the node whose configuration this is.
func (f *findings) sockets() {
	seen := map[string]bool{}
	for _, path := range f.socketPaths() {
		if err := checkSocket(path); err != nil {
			f.wrong("error opening Unix socket: %w", err)
		}
		if clean := filepath.Clean(path); seen[clean] {
			f.wrong("two services listen on the Unix socket %s", path)
		} else {
			seen[clean] = true
		}
	}
}

func (f *findings) socketPaths() []string {
	var paths []string
	for _, c := range f.node.ControlServices {
		if c.SocketPath != "" {
			paths = append(paths, c.SocketPath)
		}
	}
	for _, s := range f.node.UnixServers {
		paths = append(paths, s.Path)
	}
	return paths
}

// maxSocketPath is what the kernel has room for.
const maxSocketPath = 107

func checkSocket(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("path %s is longer than %d bytes", path, maxSocketPath)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", filepath.Dir(path))
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket", path)
	}
	return nil
}

// addresses finds ports that two listeners want.
func (f *findings) addresses() {
	seen := map[string]string{}
	for _, l := range f.listeners() {
		_, port, err := net.SplitHostPort(l.addr)
		if err != nil || port == "0" {
			continue
		}
		key := l.network + " " + l.addr
		if other := seen[key]; other != "" {
			f.wrong("%s and %s both listen on %s port %s", other, l.name, l.network, l.addr)
		}
		seen[key] = l.name
	}
}

type listenAddr struct{ name, network, addr string }

func (f *findings) listeners() []listenAddr {
	var all []listenAddr
	add := func(name, network, addr string) { all = append(all, listenAddr{name, network, addr}) }
	for _, l := range f.node.TCPListeners {
		add("tcp-listener", "TCP", l.Addr)
	}
	for _, l := range f.node.WSListeners {
		add("ws-listener", "TCP", l.Addr)
	}
	for _, l := range f.node.UDPListeners {
		add("udp-listener", "UDP", l.Addr)
	}
	for _, s := range f.node.TCPServers {
		add("tcp-server", "TCP", s.Addr)
	}
	for _, s := range f.node.UDPServers {
		add("udp-server", "UDP", s.Addr)
	}
	for _, c := range f.node.ControlServices {
		if c.TCPListen != "" {
			add("control-service", "TCP", c.TCPListen)
		}
	}
	if addr := f.node.HTTP.Addr; addr != "" && !strings.HasPrefix(addr, "/") {
		add("debug", "TCP", addr)
	}
	return all
}

// commands warns of programs that are not there: a node starts without them.
func (f *findings) commands() {
	for _, w := range f.node.WorkCommands {
		if _, err := exec.LookPath(w.Command); err != nil {
			f.doubt("command of work type %s: %v", w.Type, err)
		}
	}
	for _, w := range f.node.WorkKubernetes {
		if _, err := os.Stat(w.PodFile); w.PodFile != "" && err != nil {
			f.doubt("pod of work type %s: %v", w.Type, err)
		}
	}
	for _, s := range f.node.CommandServices {
		program, _, _ := strings.Cut(strings.TrimSpace(s.Command), " ")
		if _, err := exec.LookPath(strings.Trim(program, `"'`)); err != nil {
			f.doubt("command of service %s: %v", s.Service, err)
		}
	}
}

// dataDir warns of a directory that can't be made or written: without work it is
// not needed.
func (f *findings) dataDir() {
	dir := f.node.DataDir
	for {
		info, err := os.Stat(dir)
		switch parent := filepath.Dir(dir); {
		case err == nil && !info.IsDir():
			f.doubt("datadir %s: %s is not a directory", f.node.DataDir, dir)
		case err == nil && unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
			f.doubt("datadir %s: %s can't be written", f.node.DataDir, dir)
		case err != nil && parent != dir:
			dir = parent
			continue
		}
		return
	}
}
