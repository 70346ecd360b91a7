package scheduler

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

const (
	// checksBucket is the read model of the checks; each has an entry under checkPrefix and its id.
	checksBucket = "checks"
	checkPrefix  = "check."
)

// change is news of the checks: some changed, or they are being read from the beginning, or that is
// done.
type change struct {
	begin, caughtUp bool
	checks          []changed
}

type changed struct {
	monitor.Check
	deleted bool
}

// watcher hands the checks to the loop, whichever generation of the read model serves and whatever
// happens to the watch.
type watcher struct {
	store   readmodel.Buckets
	changes chan<- change
	log     *slog.Logger
	metrics *metrics
}

// run ends with ctx.
func (w *watcher) run(ctx context.Context) {
	pause := newBackoff()
	for {
		err := readmodel.Follow(ctx, w.store, checksBucket, checkPrefix+"*", readmodel.Following{
			Begin: func() { w.send(ctx, change{begin: true}) },
			Handle: func(entries []bus.Entry) {
				if checks := w.decode(entries); len(checks) > 0 {
					w.send(ctx, change{checks: checks})
				}
			},
			CaughtUp: func() {
				pause.Reset()
				w.send(ctx, change{caughtUp: true})
			},
		})
		if ctx.Err() != nil {
			return
		}
		w.metrics.failures.WithLabelValues("watch").Inc()
		w.log.Error("the checks cannot be watched; going on with those known, and trying again", "error", err)
		if !pause.Wait(ctx) {
			return
		}
	}
}

func (w *watcher) send(ctx context.Context, c change) {
	select {
	case w.changes <- c:
	case <-ctx.Done():
	}
}

// decode passes over what it cannot read: one damaged entry must not stop the others' checks.
func (w *watcher) decode(entries []bus.Entry) []changed {
	checks := make([]changed, 0, len(entries))
	for _, entry := range entries {
		id := strings.TrimPrefix(entry.Key, checkPrefix)
		if entry.Deleted {
			checks = append(checks, changed{deleted: true, Check: monitor.Check{Definition: monitor.Definition{ID: id}}})
			continue
		}
		var c monitor.Check
		if err := json.Unmarshal(entry.Value, &c); err != nil || c.ID != id {
			w.metrics.failures.WithLabelValues("watch").Inc()
			w.log.Error("a check cannot be read and is not scheduled", "key", entry.Key, "error", err)
			continue
		}
		checks = append(checks, changed{Check: c})
	}
	return checks
}
