package decider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Bus is what a decider needs of the message bus.
type Bus interface {
	bus.CommandServer
	bus.Leases
	// Ingest is where heartbeats are reported that did not come.
	bus.Ingest
	Events
	Results
	Runners
	// Bucket is bus.Store's.
	Bucket(ctx context.Context, name string) (bus.Bucket, error)
}

// Events is what it needs of EVENTS.
type Events interface {
	// The two are bus.EventLog's.
	Append(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error)
	Read(ctx context.Context, after uint64, limit int, filter bus.Filter) ([]monitor.EventMessage, error)
}

// Results is the reading end of RESULTS.
type Results interface {
	// The two are bus.ResultLog's.
	FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error
	LastResult(ctx context.Context) (uint64, error)
}

// Runners is where runners are heard.
type Runners interface {
	// OnRunner is bus.Live's.
	OnRunner(ctx context.Context, handle func(bus.Report)) (stop func(), err error)
}

// Validator knows what a definition must be for its kind of check.
type Validator interface {
	// Validate reports everything wrong with kind, target, options and assertions of d, whose
	// defaults are applied.
	Validate(d monitor.Definition) monitor.Problems
}

// Defaults and bounds.
const (
	DefaultSnapshotEvery = 10 * time.Second
	DefaultSilentAfter   = 15 * time.Second
	// tickEvery is how often silences are looked for.
	tickEvery = 250 * time.Millisecond
	// maxStaged is the most events gathered for one append; one decision adds a few to it.
	maxStaged = 900
	// requestTimeout bounds one request to the bus.
	requestTimeout = 5 * time.Second
	// lease is the name of the lease, and of the snapshot's keys.
	lease = "decider"
)

// Options configure a decider. Zero fields take the defaults named here.
type Options struct {
	// Validator is required.
	Validator Validator
	// Holder names this process to those that ask who holds the lease, default "decider".
	Holder string
	// SnapshotEvery is the time between snapshots, bounds [1s, 1h], default 10 s. Snapshots that
	// are slow to take come less often: their cost is bounded to 1/50 of the time.
	SnapshotEvery time.Duration
	// SilentAfter is how long a runner may be silent before it has left, bounds [1s, 1h],
	// default 15 s.
	SilentAfter time.Duration
	// Log defaults to none, Registerer to no metrics, Now to time.Now.
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Holder == "" {
		o.Holder = "decider"
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = DefaultSnapshotEvery
	}
	if o.SilentAfter == 0 {
		o.SilentAfter = DefaultSilentAfter
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) validate() error {
	var problems []error
	if o.Validator == nil {
		problems = append(problems, errors.New("validator is required"))
	}
	for name, span := range map[string]time.Duration{"snapshot every": o.SnapshotEvery, "silent after": o.SilentAfter} {
		if span < time.Second || span > time.Hour {
			problems = append(problems, fmt.Errorf("%s %s: use 1s to 1h", name, span))
		}
	}
	return errors.Join(problems...)
}
