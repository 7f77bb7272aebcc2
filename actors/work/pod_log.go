package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"

	"receptor/actors/work/kube"
	"receptor/actors/work/pod"
	"receptor/actors/work/unit"
)

const (
	attachTries = 5
	attachPause = 200 * time.Millisecond
	// settleLimit is how long streams may take to end after their container.
	settleLimit = 15 * time.Second
	finalTries  = 5
)

// overLog gives the pod its input by attaching to it, and takes its log for output.
func (s *podSession) overLog(ctx context.Context) error {
	if s.stage == unit.PodInput {
		return failed("Error with pod's stdin: the connection broke while the input was being sent, pod %s/%s had a part of it and was deleted", s.ns, s.pod)
	}
	if s.stage == unit.PodWanted {
		if err := s.create(ctx, nil); err != nil {
			return err
		}
	}
	early := pod.State{}
	if s.stage == unit.PodCreated {
		var err error
		if early, err = s.awaitReady(ctx); err != nil {
			return err
		}
	}
	if early.Ended {
		// It never wanted its input, which is kept open until somebody sends it.
		if err := s.reach(ctx, unit.PodRunning); err != nil {
			return err
		}
	}
	return s.workThrough(ctx)
}

// workThrough sends the input, copies the log and watches the pod, all at a time.
func (s *podSession) workThrough(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	log, err := s.openLog(ctx)
	if err != nil {
		return err
	}
	defer log.out.Close()
	over := make(chan struct{}) // the worker has ended
	var state pod.State
	results := make(chan error, 3)
	parts := []func() error{
		func() error {
			defer close(over)
			return s.follow(ctx, func(p *corev1.Pod) (bool, error) {
				state = (&pod.Observer{}).See(p)
				if state.Failed {
					return true, failed("%s; output may be incomplete", state.Reason)
				}
				return state.Ended, nil
			}, 0)
		},
		func() error { return s.sendInput(ctx, over) },
		func() error { return log.copy(ctx, over) },
	}
	for _, part := range parts {
		go func() { results <- part() }()
	}
	var first error
	for range parts {
		if err := <-results; err != nil && first == nil {
			first = err
			cancel(err)
		}
	}
	if first != nil {
		return first
	}
	return s.verdict(state, log.doubt)
}

// verdict is the end of a unit whose worker has ended. Without a proof that the
// output is complete there is no success.
func (s *podSession) verdict(state pod.State, doubt string) error {
	end := &podEnd{state: unit.Succeeded, detail: unit.DetailFinished}
	if state.Exit != 0 {
		end.state, end.detail = unit.Failed, "Error running pod: "+state.Reason
	}
	if doubt != "" {
		if end.state == unit.Succeeded {
			end.detail = "container ended with exit code 0"
		}
		end.state = unit.Failed
		end.detail += "; output may be incomplete: " + doubt
	}
	return end
}

// sendInput gives the worker its payload, once. A stream that breaks after its
// beginning has closed the input of the worker: it has a part of it, and must not go on.
func (s *podSession) sendInput(ctx context.Context, over <-chan struct{}) error {
	if s.stage == unit.PodRunning {
		return nil
	}
	file, err := os.Open(s.dir.Stdin())
	if err != nil {
		return failed("Error opening stdin file: %v", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return failed("Error reading stdin: %v", err)
	}
	if info.Size() > 0 {
		if err := s.reach(ctx, unit.PodInput); err != nil {
			return err
		}
		s.traceInput()
		if err := s.attach(ctx, file, info.Size(), over); err != nil {
			return err
		}
	}
	return s.reach(ctx, unit.PodRunning)
}

func (s *podSession) attach(ctx context.Context, file *os.File, size int64, over <-chan struct{}) error {
	attached, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() { // a worker that has ended takes nothing any more
		select {
		case <-over:
			if sleep(attached, settleLimit) == nil {
				cancel()
			}
		case <-done:
		}
	}()
	for try := 1; ; try++ {
		began, sent, err := s.client.Attach(attached, s.ns, s.pod, pod.Worker, io.NewSectionReader(file, 0, size))
		switch {
		case err == nil || ctx.Err() != nil:
			return ctx.Err()
		case !began && try < attachTries && !ended(over):
			if err := sleep(ctx, attachPause); err != nil {
				return err
			}
			continue
		case (!began || kube.Orderly(err) || attached.Err() != nil) && settled(ctx, over):
			return nil // it left its input unread; how it ended says whether that is right
		}
		return failed("Error streaming stdin to pod %s/%s. Error: %v; %d of %d bytes were sent, the pod was deleted", s.ns, s.pod, err, sent, size)
	}
}

// settled waits a while for the end of the worker, which others see earlier.
func settled(ctx context.Context, over <-chan struct{}) bool {
	t := time.NewTimer(settleLimit)
	defer t.Stop()
	select {
	case <-over:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func ended(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// logCopier brings the log of a pod to the unit's output.
type logCopier struct {
	*podSession
	out    *podOutput
	join   *pod.Joiner
	plain  bool
	saved  pod.Position
	doubt  string // why the output may be incomplete; empty if it is proven
	lastly time.Time
}

func (s *podSession) openLog(ctx context.Context) (*logCopier, error) {
	version, err := s.client.Version(ctx)
	if err != nil && s.terms().clusters.Settings.Reconnect == "" {
		s.Log.Warn().Str("unit", s.id).Err(err).Msg("version of the cluster is not known, its log is read without time stamps")
	}
	out, err := openOutput(s.dir, s.Feeds, s.id, s.kind.MaxOutput)
	if err != nil {
		return nil, failed("Error writing output: %v", err)
	}
	pos, err := readPosition(s.dir)
	if err != nil || pos.Offset > out.Size() {
		pos = pod.Position{} // the whole log is compared
	}
	plain := !s.terms().clusters.Settings.StampsWork(version)
	return &logCopier{podSession: s, out: out, plain: plain, join: pod.NewJoiner(out, pos, plain), saved: pos}, nil
}

// copy follows the log until the worker has ended, and then proves that all is here.
func (l *logCopier) copy(ctx context.Context, over <-chan struct{}) error {
	for try := 0; !ended(over); try++ {
		before := l.out.Size()
		err := l.followOnce(ctx, over)
		if err := l.judge(ctx, err); err != nil {
			return err
		}
		if l.out.Size() > before {
			try = 0
		}
		select {
		case <-over:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(maxPause, minPause<<min(try, 8))):
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.prove(ctx)
}

// judge says what a stream's end means: only the disk and the limits are to be minded.
func (l *logCopier) judge(ctx context.Context, err error) error {
	l.save(true)
	var end *podEnd
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &end):
		return err
	case errors.Is(err, pod.ErrMismatch) && !l.join.Rewind():
		l.suspect("the log was rotated, its beginning is not to be had any more; larger log files (the kubelet's containerLogMaxSize) or streammethod tcp avoid that")
		l.join.Lose()
	case err != nil:
		l.Log.Debug().Str("unit", l.id).Err(err).Msg("log of pod broke off")
	}
	return nil
}

func (l *logCopier) followOnce(ctx context.Context, over <-chan struct{}) error {
	stream, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-over:
			if sleep(stream, settleLimit) == nil {
				cancel()
			}
		case <-stream.Done():
		}
	}()
	return l.stream(stream, true)
}

func (l *logCopier) stream(ctx context.Context, follow bool) error {
	in, err := l.client.Log(ctx, kube.LogRequest{
		Namespace: l.ns, Pod: l.pod, Container: pod.Worker, Follow: follow, Stamps: !l.plain, Since: l.join.Pos.Since,
	})
	if err != nil {
		return err
	}
	defer in.Close()
	l.join.Begin()
	_, err = io.CopyBuffer(writerOnly{l}, in, make([]byte, 32<<10))
	return err
}

type writerOnly struct{ io.Writer }

// Write joins, and writes down where a later session can go on.
func (l *logCopier) Write(p []byte) (int, error) {
	n, err := l.join.Write(p)
	l.save(false)
	return n, err
}

const saveEvery = time.Second

func (l *logCopier) save(now bool) {
	if l.join.Pos == l.saved || !now && time.Since(l.lastly) < saveEvery {
		return
	}
	l.saved, l.lastly = l.join.Pos, time.Now()
	if err := writePosition(l.dir, l.saved); err != nil {
		// A later session compares the whole log.
		l.Log.Warn().Str("unit", l.id).Err(err).Msg("position in a pod's log can't be written down")
	}
}

// prove compares the whole log with the output after the end of the worker, until
// nothing new comes. A cluster shows only the latest file of a log, and may lose lines
// on its way from one to the next: a log that was rotated proves nothing.
func (l *logCopier) prove(ctx context.Context) error {
	var trouble error
	for try := range finalTries {
		before := l.out.Size()
		l.join.Rewind()
		err := l.stream(ctx, false)
		if jerr := l.judge(ctx, err); jerr != nil {
			return jerr
		}
		if err == nil && l.join.Complete() && l.out.Size() == before {
			return nil
		}
		if trouble = err; err == nil {
			trouble = errors.New("the log ends before the output that it had")
		}
		if l.out.Size() > before {
			continue
		}
		if err := sleep(ctx, minPause<<try); err != nil {
			return err
		}
	}
	l.suspect(fmt.Sprintf("the end of the log can't be had: %v", trouble))
	return nil
}

func (l *logCopier) suspect(why string) {
	if l.doubt == "" {
		l.doubt = why
	}
}
