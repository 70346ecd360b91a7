package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/backoff"
	"github.com/vedette/vedette/pkg/readmodel"
)

type projection = readmodel.Projection

// worker keeps one generation of a read model during one term: the one that serves, or the one that
// is built, which serves when it is ready. Its loop owns all of it.
type worker struct {
	keeper  *keeper
	bus     Bus
	opt     Options
	log     *slog.Logger
	metrics *metrics
	fence   uint64

	name       string
	version    int
	ofResults  bool
	fresh      func() projection
	generation int

	// building says that another generation serves, or none; beside that another does. proof then compares the two.
	building, beside bool
	proof            *proof
	// pace is that of a build beside what serves.
	pace pace
	// leave makes room for the next that is to be built.
	leave func()
	// inheriting says that what an older generation holds is being taken over.
	inheriting bool

	fold   projection
	bucket bus.Bucket
	// kept is the checkpoint in the bucket, revision its revision.
	kept     checkpoint
	revision uint64
	// position is that of the last message folded, stored when it was stored.
	position uint64
	stored   time.Time
	// caughtUp says that what the log held when this life began is folded.
	caughtUp bool
	rebuild  *rebuild
	// rest is what was read and is not folded yet.
	rest batch
	// pending are changes that the fold has given out and that are not written yet, in order.
	pending []readmodel.Change

	// flushed is when the last write was begun, took how long it took.
	flushed time.Time
	took    time.Duration
}

// longLife is how long a life must have lasted for its failure not to count as one in a row.
const longLife = 30 * time.Second

// errLost: the bucket holds something else than what was written to it.
var errLost = errors.New("the read model is not what was written")

// run keeps the generation until ctx ends, or it is needed no more. Whatever fails, it drops its state
// and begins again from what is kept; only a later holder of the lease ends it with an error. process
// ends with the process, ctx with the lease too.
func (w *worker) run(process, ctx context.Context) error {
	var pause backoff.Backoff
	for {
		started := w.opt.Now()
		err := w.live(process, ctx)
		switch {
		case errors.Is(err, errSuperseded):
			return err
		case errors.Is(err, errReplaced), ctx.Err() != nil:
			return nil
		}
		if w.opt.Now().Sub(started) > longLife {
			pause.Reset()
		}
		what := "work"
		if errors.Is(err, errLost) {
			what = "lost"
		}
		w.metrics.failures.WithLabelValues(w.name, what).Inc()
		w.log.Error("a read model drops its state and begins again from what is kept", "error", err)
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// batch is what was read of the log, or the news that this was all that it held.
type batch struct {
	messages []monitor.EventMessage
	caughtUp bool
}

func (b batch) empty() bool { return len(b.messages) == 0 && !b.caughtUp }

// live is one life: it restores the fold, follows the log and flushes.
func (w *worker) live(process, ctx context.Context) error {
	leave, err := w.awaitTurn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w.leave = leave
	if err := w.open(ctx); err != nil {
		return err
	}
	w.caughtUp, w.flushed, w.took, w.rest, w.proof = false, time.Time{}, 0, batch{}, nil
	group, living := errgroup.WithContext(ctx)
	batches := make(chan batch)
	group.Go(func() error { return w.follow(living, batches) })
	group.Go(func() error { return w.loop(living, group, batches) })
	err = group.Wait()
	if ctx.Err() != nil && process.Err() != nil {
		w.lastFlush(process)
		return nil
	}
	return err
}

// follow hands the log to the loop.
func (w *worker) follow(ctx context.Context, batches chan<- batch) error {
	hand := func(b batch) error {
		select {
		case batches <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	handle := func(messages []monitor.EventMessage) error {
		if len(messages) == 0 {
			return nil
		}
		return hand(batch{messages: messages})
	}
	arrived := func() { _ = hand(batch{caughtUp: true}) } // fails with ctx only
	var err error
	if w.ofResults {
		err = w.bus.FollowResults(ctx, w.position, handle, arrived)
	} else {
		err = w.bus.Follow(ctx, w.position, bus.Filter{}, handle, arrived)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the log cannot be followed any more: %w", err)
}

// maxGathered is how many batches are folded at most before a flush.
const maxGathered = 20

func (w *worker) loop(ctx context.Context, group *errgroup.Group, batches <-chan batch) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	flush := time.NewTimer(time.Hour)
	flush.Stop()
	defer flush.Stop()
	armed := false
	for {
		if err := w.step(ctx, batches, look.C, flush.C, &armed); err != nil || ctx.Err() != nil {
			return err
		}
		wait, wanted := w.flushIn()
		switch {
		case !wanted:
		case wait <= 0:
			if err := w.flush(ctx); err != nil {
				return err
			}
		case !armed:
			flush.Reset(wait)
			armed = true
		}
		w.tellProgress(ctx)
		if w.building && w.caughtUp && w.proof == nil {
			w.startProof(ctx, group)
		}
	}
}

// step waits for one thing and does it.
func (w *worker) step(ctx context.Context, batches <-chan batch, look, flush <-chan time.Time, armed *bool) error {
	var ready <-chan struct{}
	var meetings <-chan meeting
	switch {
	case !w.building && w.caughtUp: // what is catching up must not be written yet
		meetings = w.keeper.meetings
	case w.proof != nil:
		ready = w.proof.ready
	}
	if !w.rest.empty() {
		b := w.rest
		w.rest = batch{}
		w.take(b)
		return nil
	}
	select {
	case <-ctx.Done():
	case b := <-batches:
		w.take(b)
		if w.beside {
			w.pace.rest(ctx)
		} else {
			w.gather(batches)
		}
	case <-flush:
		*armed = false
	case <-look:
		return w.look(ctx)
	case m := <-meetings:
		return w.attend(ctx, m, batches)
	case <-ready:
		return w.succeed(ctx, batches)
	}
	return nil
}

// gather takes what else is at hand.
func (w *worker) gather(batches <-chan batch) {
	for range maxGathered {
		select {
		case b := <-batches:
			w.take(b)
		default:
			return
		}
	}
}

func (w *worker) take(b batch) {
	w.foldAll(b.messages)
	if n := len(b.messages); n > 0 {
		w.position, w.stored = b.messages[n-1].Sequence, b.messages[n-1].StoredAt
		w.metrics.messages.WithLabelValues(w.name).Add(float64(n))
		if !w.building {
			w.metrics.position.WithLabelValues(w.name).Set(float64(w.position))
		}
		if w.rebuild != nil {
			w.rebuild.messages += n
		}
	}
	if b.caughtUp {
		w.caughtUp = true
		if !w.building {
			w.metrics.lag.WithLabelValues(w.name).Set(0)
		}
	}
}

// isUnhurried reports whether nobody waits to read of a fold of events what he has just written.
func isUnhurried(fold projection) bool {
	_, ok := fold.(readmodel.Unhurried)
	return ok
}

// flushIn returns in what time to flush, and whether there is anything to flush. A fold of events
// shows nothing of the past while it catches up; then it flushes at once, since somebody waits to
// read what he has written. A fold of results, or of the past, gathers, and so does what nobody reads
// yet.
func (w *worker) flushIn() (wait time.Duration, wanted bool) {
	position, _ := w.kept.position(w.ofResults)
	moved := position != w.position || w.revision == 0
	finished := w.caughtUp && w.rebuild != nil && (!w.building || w.kept.Rebuilding)
	atOnce := !w.ofResults && !w.building
	switch {
	case finished:
		return 0, true
	case !moved, atOnce && !w.caughtUp:
		return 0, false
	case atOnce && !isUnhurried(w.fold):
		return 0, true
	}
	return w.flushed.Add(max(flushEvery, flushShare*w.took)).Sub(w.opt.Now()), true
}
