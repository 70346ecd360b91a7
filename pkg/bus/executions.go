package bus

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Executions hands due checks to the runners of their location.
type Executions interface {
	// OpenLocation makes sure that runners of the location can pull. Safe to repeat.
	OpenLocation(ctx context.Context, location string) error
	// Dispatch queues a batch for the runners of its location; id makes a repeat harmless. One that
	// nobody pulls within ExecutionsKept is dropped, as is one that was delivered MaxDeliveries times.
	Dispatch(ctx context.Context, id string, batch monitor.ExecuteChecks) error
}

// ExecutionSource is a runner's end of the queue.
type ExecutionSource interface {
	// Pull waits for the next batch, at most wait (bounds (0, MaxPullWait]). ErrNothing: none came.
	// ErrNoLocation: nobody has opened the location yet.
	Pull(ctx context.Context, wait time.Duration) (Delivery, error)
}

// Delivery is a batch in a runner's hands. Unless acknowledged or kept alive it is given to another
// runner after AckWait.
type Delivery interface {
	Batch() monitor.ExecuteChecks
	// KeepAlive restarts AckWait.
	KeepAlive() error
	// Ack ends the delivery, after its results are durable.
	Ack(ctx context.Context) error
	// Return gives the batch back, to be delivered again at once.
	Return() error
}

// Bounds of the queue of executions.
const (
	// AckWait is how long a batch stays with a runner that shows no sign of life.
	AckWait = 3 * time.Second
	// MaxPullWait is the longest that Pull may wait.
	MaxPullWait = 5 * time.Second
	// ExecutionsKept is how long a batch waits for a runner before it is dropped, and how long the
	// id of one is remembered.
	ExecutionsKept = time.Minute
	// MaxDeliveries is how often a batch is delivered before it is left to expire: one that kills
	// whoever takes it must not go round for ever.
	MaxDeliveries = 5
)

// Report is what a runner tells the gate: who it is, what it found, whether it is about to stop.
type Report struct {
	Runner   monitor.Runner   `json:"runner"`
	Results  []monitor.Result `json:"results,omitempty"`
	Stopping bool             `json:"stopping,omitempty"`
}

// Bounds of a report, which the gate keeps.
const (
	// MaxReportResults is the most results of one report.
	MaxReportResults = 1000
	// MaxResultSize is the most bytes that one result may take as JSON.
	MaxResultSize = 16 << 10
)

// Ingest is the door to the gate, for runners and for what takes heartbeats.
type Ingest interface {
	// Deliver returns nil when every result of the report is durable. ErrRefused: the gate will
	// never take it, and says why. Any other error: try again, the gate drops what it has already.
	Deliver(ctx context.Context, location string, report Report) error
}

// IngestServer is the gate's side. Any number of gates share the work.
type IngestServer interface {
	// ServeIngest calls handle for each report, concurrently, and answers when it returns. An error
	// that wraps ErrRefused is final for the runner. It blocks until ctx ends, then waits for the
	// reports in hand and returns nil.
	ServeIngest(ctx context.Context, handle func(ctx context.Context, location string, report Report) error) error
}

// Live announces what subscribers may miss, on core NATS.
type Live interface {
	// AnnounceResult publishes a stored result; AnnounceTest the result of an unsaved definition;
	// AnnounceRunner a runner's sign of life.
	AnnounceResult(result monitor.EventMessage) error
	AnnounceTest(result monitor.Result) error
	AnnounceRunner(report Report) error
	// OnResult, OnTest and OnRunner call handle, one at a time, until ctx ends. They return when the
	// subscription is in force; stop waits for a running handle. OnTest hears one execution id.
	OnResult(ctx context.Context, handle func(monitor.EventMessage)) (stop func(), err error)
	OnTest(ctx context.Context, executionID string, handle func(monitor.Result)) (stop func(), err error)
	OnRunner(ctx context.Context, handle func(Report)) (stop func(), err error)
}
