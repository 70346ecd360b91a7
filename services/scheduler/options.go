package scheduler

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

// Bus is what a scheduler needs of the message bus.
type Bus interface {
	bus.CommandServer
	bus.Leases
	bus.Executions
	// Bucket is bus.Store's.
	Bucket(ctx context.Context, name string) (bus.Bucket, error)
}

// Validator knows what a definition must be for its kind of check.
type Validator interface {
	// Validate reports everything wrong with kind, target, options and assertions of d, whose
	// defaults are applied.
	Validate(d monitor.Definition) monitor.Problems
}

// Defaults and bounds.
const (
	// DefaultLead is how long before its due time an execution is sent.
	DefaultLead = 300 * time.Millisecond
	MaxLead     = time.Second
	// DefaultCatchUp is the least rate at which missed executions are made up for.
	DefaultCatchUp = 200
	// tickEvery is how often due checks are looked for.
	tickEvery = 20 * time.Millisecond
	// progressEvery is how often progress is recorded.
	progressEvery = time.Second
	// maxBatchBytes bounds one batch: well under the largest message that NATS takes.
	maxBatchBytes = 512 << 10
	// requestTimeout bounds one request to the bus.
	requestTimeout = 5 * time.Second
	// maxCommandAge is how long a command may wait for a scheduler: nobody waits for the result
	// of a later one.
	maxCommandAge = time.Minute
	// lease is the lease's name.
	lease = "scheduler"
)

// Options configure a scheduler. Zero fields take the defaults named here.
type Options struct {
	// Validator is required: unsaved definitions are validated before they are executed.
	Validator Validator
	// Holder names this process to those that ask who holds the lease, default "scheduler".
	Holder string
	// Locations are opened for runners although no check names them yet.
	Locations []string
	// Lead is how long before its due time an execution is sent, bounds (0, 1s], default 300 ms.
	Lead time.Duration
	// CatchUp is the rate, per second, at which executions missed during a downtime are made up
	// for, bounds [1, 100000]; the default is 200 or the rate of the timetable, whichever is more,
	// so that catching up at most doubles the load.
	CatchUp int
	// Log defaults to none, Registerer to no metrics, Now to time.Now.
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Holder == "" {
		o.Holder = "scheduler"
	}
	if o.Lead == 0 {
		o.Lead = DefaultLead
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
	if o.Lead < 0 || o.Lead > MaxLead {
		problems = append(problems, fmt.Errorf("lead %s: use up to %s", o.Lead, MaxLead))
	}
	if o.CatchUp < 0 || o.CatchUp > 100000 {
		problems = append(problems, fmt.Errorf("catch-up %d: use 1 to 100000 per second", o.CatchUp))
	}
	for _, location := range o.Locations {
		if !monitor.ValidID(location) {
			problems = append(problems, fmt.Errorf("location %q cannot be used", location))
		}
	}
	return errors.Join(problems...)
}
