package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	ctx, stop := interruptible(context.Background())
	t := &tool{console: console{in: os.Stdin, out: os.Stdout, err: os.Stderr}, pause: resumePause}
	code := t.run(ctx, os.Args)
	stop()
	os.Exit(code)
}

// run is the whole program; args[0] is its name.
func (t *tool) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			code = t.broken(p)
		}
	}()
	app := t.app()
	t.report = &reporting{json: asksForJSON(args[1:])}
	rest, err := arrange(app, args[1:])
	if err == nil {
		err = app.RunContext(ctx, append([]string{args[0]}, rest...))
	}
	return t.finish(ctx, err)
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ sig syscall.Signal }

func (e interrupted) Error() string { return fmt.Sprintf("stopped by signal: %v", e.sig) }

// exitCode is the one a shell reports for a program killed by the signal.
func (e interrupted) exitCode() int { return 128 + int(e.sig) }

// broken reports a bug of this program. A stack trace would tell a user nothing.
func (t *tool) broken(p any) int {
	where := "an unknown place"
	for skip := 1; ; skip++ {
		_, file, line, ok := runtime.Caller(skip)
		if !ok {
			break
		}
		if dir, name := filepath.Split(file); filepath.Base(dir) == "receptorctl" && name != "main.go" {
			where = fmt.Sprintf("%s:%d", name, line)
			break
		}
	}
	f := failed(exitError, "Internal error at %s: %v", where, p)
	f.note = "This is a bug of receptorctl " + version + ". Please report it with the command that you entered."
	return t.finish(context.Background(), f)
}

// interruptible returns a context that ends with the first signal of those that end
// programs. A second one ends the program at once.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // nohup, a shell's background job
			signal.Notify(signals, s)
		}
	}
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case s := <-signals:
				why := interrupted{s.(syscall.Signal)}
				if !first {
					os.Exit(why.exitCode())
				}
				cancel(why)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
