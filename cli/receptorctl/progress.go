package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// What is done before progressDelay needs no progress bar.
const (
	progressDelay = 300 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// progress is a line on a terminal that tells how far a transfer is. The nil one is
// for streams that are no terminals, and shows nothing.
type progress struct {
	screen *os.File
	what   string
	total  int64 // bytes; 0 if nobody knows
	began  time.Time
	moved  atomic.Int64
	end    chan struct{}
	done   sync.WaitGroup
}

// progress begins to show a transfer on standard error; close must follow.
func (c console) progress(what string, total int64) *progress {
	if !isTerminal(c.err) {
		return nil
	}
	p := &progress{screen: c.err.(*os.File), what: what, total: total, began: time.Now(), end: make(chan struct{})}
	p.done.Go(p.show)
	return p
}

// add counts bytes.
func (p *progress) add(n int) {
	if p != nil {
		p.moved.Add(int64(n))
	}
}

// close wipes the line.
func (p *progress) close() {
	if p != nil {
		close(p.end)
		p.done.Wait()
	}
}

func (p *progress) show() {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	shown := 0
	for {
		select {
		case now := <-tick.C:
			if took := now.Sub(p.began); took >= progressDelay {
				shown = p.draw(progressLine(p.what, p.moved.Load(), p.total, took, p.width()), shown)
			}
		case <-p.end:
			if shown > 0 {
				p.draw("", shown)
				_, _ = io.WriteString(p.screen, "\r")
			}
			return
		}
	}
}

// draw writes text over the line before, and returns its length.
func (p *progress) draw(text string, before int) int {
	n := len([]rune(text))
	_, _ = io.WriteString(p.screen, "\r"+text+strings.Repeat(" ", max(0, before-n)))
	return n
}

// width leaves the last column free: some terminals begin a new line there.
func (p *progress) width() int {
	columns, _, err := term.GetSize(int(p.screen.Fd()))
	if err != nil || columns < 1 {
		columns = 80
	}
	return columns - 1
}

// reader counts what is read.
func (p *progress) reader(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return countingReader{r, p}
}

type countingReader struct {
	io.Reader
	*progress
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.add(n)
	return n, err
}

const barWidth = 24

// progressLine is the line after took.
func progressLine(what string, moved, total int64, took time.Duration, width int) string {
	facts := sizeText(moved)
	left := ""
	if total > 0 {
		part := min(float64(moved)/float64(total), 1)
		filled := int(part * barWidth)
		left = fmt.Sprintf("[%s%s] %3.0f%%  ", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), part*100)
		facts += " of " + sizeText(total)
	}
	perSecond := float64(moved) / took.Seconds()
	facts += "  " + sizeText(int64(perSecond)) + "/s"
	if total > moved && perSecond >= 1 {
		facts += "  " + clockText(time.Duration(float64(total-moved)/perSecond*float64(time.Second))) + " left"
	} else {
		facts += "  " + clockText(took)
	}
	// On a narrow terminal the bar goes first, then the name, then what is left is cut.
	for _, line := range []string{what + "  " + left + facts, what + "  " + facts, facts} {
		if len([]rune(line)) <= width {
			return line
		}
	}
	return facts[:max(0, width)]
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/1024, 0
	for size >= 1024 && unit < len("KMGTPE")-1 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", size, "KMGTPE"[unit])
}

// clockText is minutes and seconds, and hours if there are any.
func clockText(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
