package projector

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// turns are taken by those who build beside what serves, one out of EVENTS and one out of RESULTS at a time,
// so that a rebuild of everything takes no more of the machine and its memory than that of one.
type turns struct{ ofEvents, ofResults chan struct{} }

func newTurns() turns {
	return turns{ofEvents: make(chan struct{}, 1), ofResults: make(chan struct{}, 1)}
}

// awaitTurn waits until the worker may build, where it has to wait at all: out of EVENTS all is built at once
// while nothing serves. leave makes room for the next; it may be called again.
func (w *worker) awaitTurn(ctx context.Context) (leave func(), err error) {
	lineage, err := w.keeper.lineage(ctx)
	if err != nil || lineage.Building != w.generation || (lineage.Serving == 0 && !w.ofResults) {
		return func() {}, err
	}
	turns := w.keeper.turns.ofEvents
	if w.ofResults {
		turns = w.keeper.turns.ofResults
	}
	leave = sync.OnceFunc(func() { <-turns })
	select {
	case turns <- struct{}{}:
		return leave, nil
	default:
	}
	now := w.opt.Now().UTC()
	waiting := readmodel.BuildProgress{Generation: w.generation, Phase: readmodel.PhaseWaiting, StartedAt: now, UpdatedAt: now}
	if err := w.keeper.ledger.tell(ctx, readmodel.ProgressPrefix+w.name, waiting); err != nil {
		w.log.Debug("that a build waits cannot be told", "error", err)
	}
	select {
	case turns <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}

// foldAtOnce is how many messages a build folds before it lets others go first.
const foldAtOnce = 64

// foldAll folds messages. What is built while others serve lets those go first, again and again: it never
// holds a processor for longer than a moment while they want one, and rests.
func (w *worker) foldAll(messages []monitor.EventMessage) {
	began := time.Now()
	for i, m := range messages {
		w.fold.Apply(m)
		if w.building && i%foldAtOnce == foldAtOnce-1 {
			runtime.Gosched()
		}
	}
	if w.building {
		rest(time.Since(began))
	}
}

// restShare is for how much of the time that work took what works beside others rests after it: on a busy
// machine work takes longer, and so does the rest.
const restShare = 1

func rest(worked time.Duration) { time.Sleep(time.Duration(restShare * float64(worked))) }
