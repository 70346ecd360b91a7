package decider

import (
	"errors"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
)

// reportEvery is how often a failure that goes on is logged.
const reportEvery = 10 * time.Second

// trouble logs a failure that goes on now and then, and its end.
type trouble struct {
	since, reported time.Time
}

func (t *trouble) report(log *slog.Logger, now time.Time, err error) {
	if t.since.IsZero() {
		t.since = now
	}
	if !t.reported.IsZero() && now.Sub(t.reported) < reportEvery {
		return
	}
	t.reported = now
	switch {
	case errors.Is(err, bus.ErrFull):
		log.Error("the event log is full: nothing can be decided; raise its size limit, commands and results are kept meanwhile", "error", err, "since", t.since)
	case errors.Is(err, bus.ErrCorrupt):
		log.Error("the event log is damaged: nothing is written to it; restore it, commands and results are kept meanwhile", "error", err, "since", t.since)
	default:
		log.Error("cannot write to the event log; trying again", "error", err, "since", t.since)
	}
}

func (t *trouble) over(log *slog.Logger) {
	if !t.since.IsZero() {
		log.Info("the event log takes events again", "since", t.since)
	}
	*t = trouble{}
}
