package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Node is a daemon of this world; it may be stopped, killed and started again.
type Node struct {
	ID      string
	Program string
	Args    []string // after the node's own and its control service's
	Self    []string // further parameters of the node itself
	Control []string // further parameters of its control service
	// ConfigFile replaces all arguments.
	ConfigFile string
	// Foreign programs end by the signal itself, leave their socket, and open it
	// last.
	Foreign bool
	// Via is a command line that ends by becoming the program, such as "ip netns
	// exec NAME"; without it the program is started directly.
	Via []string

	Socket  string
	DataDir string
	LogFile string

	world *World
	mu    sync.Mutex
	run   *run
}

// run is one life of a daemon.
type run struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // once ended is closed
	asked bool  // we ended it
}

// Node describes a daemon with a control socket and a data folder of its own.
func (w *World) Node(program, id string, args ...string) *Node {
	n := &Node{
		ID: id, Program: program, Args: args, world: w,
		Socket:  filepath.Join(w.Dir, id+".sock"),
		DataDir: filepath.Join(w.Dir, "data"),
		LogFile: filepath.Join(w.Dir, id+".log"),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = append(w.nodes, n)
	return n
}

// Listener accepts neighbours on this machine.
func Listener(port int) []string { return ListenerOn("127.0.0.1", port) }

// ListenerOn accepts neighbours at an address of the node's own.
func ListenerOn(addr string, port int) []string {
	return []string{"--tcp-listener", "bindaddr=" + addr, "port=" + strconv.Itoa(port)}
}

// Peer dials a neighbour on this machine.
func Peer(port int) []string { return PeerAt("127.0.0.1", port) }

// PeerAt dials a neighbour elsewhere.
func PeerAt(addr string, port int) []string {
	return []string{"--tcp-peer", "address=" + net.JoinHostPort(addr, strconv.Itoa(port))}
}

// Command offers a type of work.
func Command(worktype, command, params string) []string {
	args := []string{"--work-command", "worktype=" + worktype, "command=" + command}
	if params != "" {
		args = append(args, "params="+params)
	}
	return args
}

// Join joins groups of arguments.
func Join(groups ...[]string) []string {
	var all []string
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// Start starts the process and does not wait for anything.
func (n *Node) Start() error {
	log, err := os.OpenFile(n.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.ID, err)
	}
	defer log.Close()
	line := Join(n.Via, []string{n.Program}, n.arguments())
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.world.Dir, log, log
	cmd.Env = append(os.Environ(), n.world.Mark())
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", n.ID, err)
	}
	r := &run{cmd: cmd, ended: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.ended)
	}()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.run = r
	return nil
}

func (n *Node) arguments() []string {
	if n.ConfigFile != "" {
		return Join([]string{"--config", n.ConfigFile}, n.Args)
	}
	node := Join([]string{"--node", "id=" + n.ID, "datadir=" + n.DataDir}, n.Self)
	control := Join([]string{"--control-service", "service=control", "filename=" + n.Socket}, n.Control)
	if n.Foreign {
		// The existing daemon works off its items in order. With the control service
		// before the types of work it answers while it still loads units: it has none
		// yet, or deletes one of a type it does not know yet without stopping its
		// command, or hangs for good because the release and the loading of the unit
		// wait for each other.
		return Join(node, n.Args, control)
	}
	return Join(node, control, n.Args)
}

// Mark is the environment entry by which processes of this world are found.
func (w *World) Mark() string { return markName + "=" + w.Dir }

// Up starts the process and waits until it answers on its control socket.
func (n *Node) Up(ctx context.Context) error {
	if err := n.Start(); err != nil {
		return err
	}
	return n.Ready(ctx)
}

// Ready waits until the node answers on its control socket.
func (n *Node) Ready(ctx context.Context) error {
	return Until(ctx, n.ID+" to answer", func() error {
		select {
		case <-n.current().ended:
			return &Fatal{fmt.Errorf("%s has ended (%w): %s", n.ID, n.current().result(), n.LogTail())}
		default:
		}
		s, err := Dial(ctx, n.Socket)
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func (n *Node) current() *run {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.run
}

// result is how the process ended; call it after that.
func (r *run) result() error {
	if r.err == nil {
		return errors.New("exit status 0")
	}
	return r.err
}

// PID is the process of the node's current life.
func (n *Node) PID() int { return n.current().cmd.Process.Pid }

// Ended is closed when the node's current life is over.
func (n *Node) Ended() <-chan struct{} { return n.current().ended }

// Kill is kill -9. It returns when the process is gone.
func (n *Node) Kill() error {
	r := n.current()
	r.asked = true
	if err := r.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", n.ID, err)
	}
	<-r.ended
	return nil
}

// Stop asks the process to end and wants exit status 0 of ours. A process that doesn't
// listen until the context ends is killed, and that is an error. So is one that
// has ended by itself; one that was stopped or killed before is no matter.
func (n *Node) Stop(ctx context.Context) error {
	r := n.current()
	if r == nil {
		return nil
	}
	select {
	case <-r.ended:
		if r.asked {
			return nil
		}
		return fmt.Errorf("stop %s: it has ended by itself (%w): %s", n.ID, r.result(), n.LogTail())
	default:
	}
	r.asked = true
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", n.ID, err)
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stop %s: it does not end: %w", n.ID, ctx.Err()), n.Kill())
	}
	if r.err != nil && !n.Foreign {
		return fmt.Errorf("stop %s: %w: %s", n.ID, r.err, n.LogTail())
	}
	return nil
}

// LogTail is the end of what the node wrote, for error texts.
func (n *Node) LogTail() string {
	const lines = 20
	text, err := os.ReadFile(n.LogFile)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// stopTime is what a clean stop may take.
const stopTime = 15 * time.Second

// StopContext is a context for stopping that outlives a test's own.
func StopContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stopTime)
}
