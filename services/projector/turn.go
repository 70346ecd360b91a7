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
	w.beside = lineage.Building == w.generation && lineage.Serving != 0
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

// foldAll folds messages. What is built beside what serves lets others go first, again and again.
func (w *worker) foldAll(messages []monitor.EventMessage) {
	if !w.beside {
		for _, m := range messages {
			w.fold.Apply(m)
		}
		return
	}
	began, waited := time.Now(), time.Duration(0)
	for i, m := range messages {
		w.fold.Apply(m)
		if i%foldAtOnce == foldAtOnce-1 {
			waited += letOthers()
		}
	}
	waited += letOthers()
	w.pace.add(time.Since(began)-waited, waited)
}

// letOthers lets those go first who are waiting for a processor, and returns how long they took.
func letOthers() time.Duration {
	began := time.Now()
	runtime.Gosched()
	return time.Since(began)
}

const (
	// restShare is how many times as long a build rests as it worked and waited, for each time as long as it worked
	// that others kept it waiting: alone it hardly rests, and beside many it takes what they leave.
	restShare = 2
	// maxRest is how many times as long as it worked and waited it rests at most, so that it comes to an end.
	maxRest = 8
)

// pace is how long something has worked since it rested, and waited for others meanwhile. Its zero value is
// that of what has just rested.
type pace struct{ worked, waited time.Duration }

func (p *pace) add(worked, waited time.Duration) {
	p.worked += worked
	p.waited += waited
}

// rest rests for it, or until ctx ends.
func (p *pace) rest(ctx context.Context) {
	share := min(maxRest, restShare*float64(p.waited)/float64(max(p.worked, 1)))
	timer := time.NewTimer(time.Duration(share * float64(p.worked+p.waited)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	*p = pace{}
}
