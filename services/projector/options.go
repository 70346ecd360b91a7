package projector

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// Bus is what a projector needs of the message bus.
type Bus interface {
	bus.Leases
	bus.Store
	Events
	Results
}

// Events is the reading end of EVENTS.
type Events interface {
	// The two are bus.EventLog's.
	Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error
	Last(ctx context.Context) (uint64, error)
}

// Results is the reading end of RESULTS.
type Results interface {
	// These are bus.ResultLog's.
	FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error
	LastResult(ctx context.Context) (uint64, error)
	FirstResult(ctx context.Context) (uint64, error)
	ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error)
}

const (
	// flushEvery is the least time between two flushes of a fold of results; those that are slow
	// come less often, so that they take at most 1/flushShare of the time.
	flushEvery = time.Second
	flushShare = 10
	// lookEvery is how often an idle projection looks whether its bucket and log are still there.
	lookEvery = 5 * time.Second
	// tellEvery is how often a rebuild tells of its progress, logEvery how often it does in the log.
	tellEvery = time.Second
	logEvery  = 5 * time.Second
	// requestTimeout bounds one request to the bus, lastFlushTimeout what a shutdown waits for.
	requestTimeout   = 10 * time.Second
	lastFlushTimeout = 5 * time.Second
	// maxFlushBytes bounds one batch; a larger one would hold the server up.
	maxFlushBytes = 8 << 20
	// lease is the name of the lease.
	lease = "projector"
)

// Options configure a projector. Zero fields take the defaults named here.
type Options struct {
	// Holder names this process to those that ask who holds the lease, default "projector".
	Holder string
	// Projections returns fresh projections, default readmodel.Projections.
	Projections func() []readmodel.Projection
	// Log defaults to none, Registerer to no metrics, Now to time.Now.
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Holder == "" {
		o.Holder = "projector"
	}
	if o.Projections == nil {
		o.Projections = readmodel.Projections
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
