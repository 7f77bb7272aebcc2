package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
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
func (t *tool) run(ctx context.Context, args []string) int {
	app := t.app()
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

// interruptible returns a context that ends with the first SIGINT or SIGTERM. A
// second one kills the program as if nobody had listened.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(interrupted{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
