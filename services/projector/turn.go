package projector

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// turns are taken by those who build beside what serves, out of RESULTS: one at a time reads the log,
// so that a rebuild of everything takes no more of the machine and its memory than that of one.
type turns chan struct{}

func newTurns() turns { return make(turns, 1) }

// awaitTurn waits until the worker may build, where it has to wait at all. leave makes room for the
// next; it may be called again.
func (w *worker) awaitTurn(ctx context.Context) (leave func(), err error) {
	building, err := w.part(ctx)
	if err != nil || !building || !w.ofResults {
		return func() {}, err
	}
	turns := w.keeper.turns
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

// restShare is by how much of the time of its work a build rests after it: on a busy machine work takes
// longer, and so does the rest.
const restShare = 0.5

// foldAll folds messages. What is built while others serve lets those go first, again and again: it never
// holds a processor for longer than a moment while they want one, and leaves a third of the time to them.
func (w *worker) foldAll(messages []monitor.EventMessage) {
	began := time.Now()
	for i, m := range messages {
		w.fold.Apply(m)
		if w.building && i%foldAtOnce == foldAtOnce-1 {
			runtime.Gosched()
		}
	}
	if w.building {
		time.Sleep(time.Duration(restShare * float64(time.Since(began))))
	}
}
