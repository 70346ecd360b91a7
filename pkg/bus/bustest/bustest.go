// Package bustest is the suite that every implementation of the message bus passes.
package bustest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Runner is a runner's end of the bus.
type Runner interface {
	bus.ExecutionSource
	bus.Ingest
}

// Door is one empty bus under test.
type Door struct {
	Bus bus.Bus
	// Runner returns the end of a runner at Here or There.
	Runner func(t *testing.T, location string) Runner
	// Revoke ends a lease without its holder's doing, as a lost connection would.
	Revoke func(t *testing.T, lease string)
}

// The locations of the suite.
const (
	Here  = "here"
	There = "there"
)

// Suite says how to open what is tested.
type Suite struct {
	Open func(t *testing.T) Door
	// Around runs a test, in a bubble of virtual time perhaps; nil runs it as it is.
	Around func(t *testing.T, test func(t *testing.T))
	// Parallel runs the tests at the same time.
	Parallel bool
}

type test func(t *testing.T, d Door)

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	for part, tests := range map[string]map[string]test{
		"commands": commandTests(), "events": eventTests(), "results": resultTests(), "executions": executionTests(),
		"ingest": ingestTests(), "live": liveTests(), "leases": leaseTests(), "store": storeTests(), "router": routerTests(),
	} {
		t.Run(part, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					if s.Parallel {
						t.Parallel()
					}
					run := func(t *testing.T) {
						t.Helper()
						test(t, s.Open(t))
					}
					if s.Around == nil {
						run(t)
						return
					}
					s.Around(t, run)
				})
			}
		})
	}
}

// patience is how long the suite waits for what must happen.
const patience = 15 * time.Second

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool, what string, args ...any) {
	t.Helper()
	require.Eventually(t, holds, patience, 10*time.Millisecond, fmt.Sprintf(what, args...))
}

// receive waits for a value.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "it did not come: "+what)
		panic("unreachable")
	}
}

// background runs something until stop, which waits for its end and returns its error.
func background(t *testing.T, run func(ctx context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return func() error {
		cancel()
		return receive(t, ended, "the end after ctx ended")
	}
}

// meta returns attributes with every field set that travels.
func meta(id string) monitor.Meta {
	return monitor.Meta{
		ID: id, Source: "/test", Time: time.Date(2026, 3, 4, 5, 6, 7, 8_009_000, time.UTC), CommandID: "command-of-" + id,
		CausationID: "cause-of-" + id, CorrelationID: "chain-of-" + id, Actor: "Ünal <a@b>", Revision: 7,
	}
}

func command(id string, c monitor.Command) monitor.CommandMessage {
	m := meta(id)
	m.CommandID, m.Revision = "", 0
	return monitor.CommandMessage{Meta: m, Command: c}
}

func registerService(id string) monitor.Command {
	return monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: id, Name: "Näme & <more>", Labels: map[string]string{"team": "web"}}}
}

func registered(id string) monitor.EventMessage {
	return monitor.EventMessage{Meta: meta("registered-" + id), Event: monitor.ServiceRegistered{
		Definition: monitor.ServiceDefinition{ID: id, Name: "Näme & <more>", Labels: map[string]string{"team": "web"}},
	}}
}

func deleted(id string) monitor.EventMessage {
	return monitor.EventMessage{Meta: meta("deleted-" + id), Event: monitor.ServiceDeleted{ServiceID: id}}
}

// fresh is a batch of events whose aggregates have none yet.
func fresh(events ...monitor.EventMessage) bus.Batch {
	b := bus.Batch{Events: events, Expect: map[bus.Aggregate]uint64{}}
	for _, e := range events {
		b.Expect[bus.AggregateOf(e.Event)] = 0
	}
	return b
}

// succeeded is a result.
func succeeded(id string) monitor.EventMessage {
	return monitor.EventMessage{Meta: meta("event-" + id), Event: monitor.CheckSucceeded{Result: monitor.Result{
		ID: id, CheckID: "home", Service: "web", Revision: 3, Location: Here, Runner: "r", DueAt: meta("").Time, StartedAt: meta("").Time,
		DurationMS: 41.7, Outcome: monitor.OutcomeSuccess, Attempts: 1, Observed: map[string]any{"status": 200.0, "headers": map[string]any{"a": "<b>"}},
	}}}
}

// same demands that two events say the same, whenever and wherever they were stored.
func same(t *testing.T, want, have monitor.EventMessage) {
	t.Helper()
	assert.True(t, want.Time.Equal(have.Time), "time: %s, %s", want.Time, have.Time)
	for _, m := range []*monitor.EventMessage{&want, &have} {
		m.Time, m.StoredAt, m.Sequence, m.Index = time.Time{}, time.Time{}, 0, 0
	}
	assert.Equal(t, want, have)
}

// subjects returns the ids that events are about.
func subjects(events []monitor.EventMessage) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		_, ids[i] = e.Event.Aggregate()
	}
	return ids
}

func sequences(events []monitor.EventMessage) []uint64 {
	all := make([]uint64, len(events))
	for i, e := range events {
		all[i] = e.Sequence
	}
	return all
}

func upTo(n int) []uint64 {
	all := make([]uint64, n)
	for i := range all {
		all[i] = uint64(i + 1)
	}
	return slices.Clip(all)
}
