// Package standby keeps one process at work among several that could be.
package standby

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/backoff"
)

// longTerm is how long a term must have lasted for its failure not to count as one in a row.
const longTerm = 30 * time.Second

// Work is what one process at a time does.
type Work struct {
	// Name is the lease's, and what the work is called in errors and the log.
	Name string
	// Holder names this process to those that ask who holds the lease.
	Holder string
	// Lead is one term, from gaining the lease to losing it. process ends with the process, held
	// with the lease too: as long as held has not ended, or process has, the lease is still held.
	Lead func(process, held context.Context, fence uint64) error
	// Active is 1 during a term. Failed, which may be nil, counts terms that failed.
	Active prometheus.Gauge
	Failed prometheus.Counter
	Log    *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

// Run leads whenever it holds the lease, and waits for it otherwise, until ctx ends; then it returns
// nil. A term that fails is followed by another, after a pause. Only bus.ErrHandlerTaken, which says
// that the same work is done in this process already, ends it before.
func Run(ctx context.Context, leases bus.Leases, w Work) error {
	if w.Now == nil {
		w.Now = time.Now
	}
	var pause backoff.Backoff
	for {
		err := leases.Hold(ctx, w.Name, w.Holder, func(held context.Context, fence uint64) error {
			w.Active.Set(1)
			defer w.Active.Set(0)
			begun := w.Now()
			err := w.Lead(ctx, held, fence)
			if w.Now().Sub(begun) > longTerm {
				pause.Reset()
			}
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, bus.ErrHandlerTaken):
			return fmt.Errorf("%s: %w", w.Name, err)
		case err != nil:
			if w.Failed != nil {
				w.Failed.Inc()
			}
			w.Log.Error("the "+w.Name+" failed and begins again", "error", err)
		}
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// Ended returns err, or nil when held has ended: what fails then fails because of that.
func Ended(held context.Context, err error) error {
	if held.Err() != nil {
		return nil
	}
	return err
}
