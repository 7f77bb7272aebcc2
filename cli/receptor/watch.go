package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"receptor/cli/receptor/config"
)

// watchPeriod is how often files are looked at. Looking finds every way to change one:
// written in place, replaced by an editor, behind a link that was turned.
const watchPeriod = time.Second

// watch calls changed when the files are not in the state that is known, or was the last
// time, and stay so for a period: whoever writes them is done. It returns when ctx ends.
func watch(ctx context.Context, files []string, known string, changed func()) {
	before := known
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := stateOf(files)
		if now != known && now == before {
			known = now
			changed()
		}
		before = now
	}
}

// stateOf tells one state of files from another. One that is not there has none yet.
func stateOf(files []string) string {
	var b strings.Builder
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			fmt.Fprintf(&b, "%s is not there\n", name)
			continue
		}
		fmt.Fprintf(&b, "%s has %d bytes of %v\n", name, info.Size(), info.ModTime().UnixNano())
	}
	return b.String()
}

// follow reloads when the files change, as the existing system does with its map form.
// What has no links any more is half a file rather than a wish; a reload that somebody
// asks for takes it. Known is the state in which the files were read.
func (p *program) follow(files []string, known string, reload *reloader, log zerolog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		watch(ctx, files, known, func() {
			log.Info().Msg("Config file changed: " + strings.Join(files, ", "))
			cfg, err := config.Parse(p.args, p.env())
			if err == nil && nodeConfig(cfg, version).CountBackends() == 0 {
				log.Warn().Msg("Reload not successful: the file has no listener, peer or local-only any more; receptorctl reload takes it all the same")
				return
			}
			reload.soon() // which tells what is wrong with it
		})
	})
	return func() {
		cancel()
		group.Wait()
	}
}
