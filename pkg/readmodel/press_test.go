package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// press writes read models as a projector does, without one.
type press struct {
	t         testing.TB
	memory    *bus.Memory
	folds     []Projection
	states    map[string]ProjectionState
	revisions map[string]uint64
	events    uint64
	results   uint64
}

func newPress(t testing.TB, memory *bus.Memory) *press {
	return &press{t: t, memory: memory, folds: Projections(), states: make(map[string]ProjectionState), revisions: make(map[string]uint64)}
}

// event folds events and writes what they change.
func (p *press) event(events ...monitor.Event) {
	for _, e := range events {
		p.events++
		m := monitor.EventMessage{Event: e, Meta: monitor.Meta{Sequence: p.events, Time: time.Now().UTC(), StoredAt: time.Now().UTC()}}
		for _, fold := range p.folds {
			if !fold.OfResults() {
				fold.Apply(m)
			}
		}
	}
	p.flush(false)
}

func (p *press) result(results ...monitor.Result) {
	for _, r := range results {
		p.results++
		for _, fold := range p.folds {
			if fold.OfResults() {
				fold.Apply(monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: p.results, Time: time.Now().UTC(), StoredAt: time.Now().UTC()}})
			}
		}
	}
	p.flush(true)
}

func (p *press) flush(ofResults bool) {
	for _, fold := range p.folds {
		if fold.OfResults() != ofResults {
			continue
		}
		changes := fold.Dirty()
		state := p.states[fold.Name()]
		state.Name, state.Version, state.FlushedAt = fold.Name(), fold.Version(), time.Now().UTC()
		if ofResults {
			state.Results = p.results
		} else {
			state.Events = p.events
		}
		p.states[fold.Name()] = state
		for first := true; first || len(changes) > 0; first = false {
			n := min(len(changes), bus.MaxFlush)
			puts := make(map[string][]byte)
			for _, c := range changes[:n] {
				puts[c.Key] = c.Value
			}
			changes = changes[n:]
			p.write(fold.Name(), puts, state)
		}
	}
}

func (p *press) write(name string, puts map[string][]byte, state ProjectionState) {
	bucket, err := p.memory.Bucket(context.Background(), name)
	require.NoError(p.t, err)
	text, err := json.Marshal(state)
	require.NoError(p.t, err)
	p.revisions[name], err = bucket.Flush(context.Background(), puts, text, p.revisions[name])
	require.NoError(p.t, err)
}

// read runs a reader over what is pressed until the test ends.
func (p *press) read() *Reader {
	r := NewReader(p.memory, slog.New(slog.NewTextHandler(p.t.Output(), nil)), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		require.NoError(p.t, <-done)
	})
	<-r.Ready()
	return r
}

func inBubble(t *testing.T, test func(t *testing.T, p *press)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newPress(t, bus.NewMemory())) })
}

func registered(id string, changes ...func(*monitor.Definition)) monitor.Event {
	d := monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "https://" + id + ".example.org", Interval: monitor.Duration(every)}
	for _, change := range changes {
		change(&d)
	}
	return monitor.CheckRegistered{Definition: d.WithDefaults()}
}

func service(id string) monitor.Event {
	return monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: id}.WithDefaults()}
}

func turned(id string, from, to monitor.Status) monitor.Event {
	return monitor.CheckStatusChanged{CheckID: id, Service: "web", From: from, To: to, At: time.Now().UTC(), ResultID: "x"}
}

func executed(id string, n int, outcome monitor.Outcome, ms float64) monitor.Result {
	due := time.Now().UTC()
	return monitor.Result{
		ID: fmt.Sprint(id, ".", n), CheckID: id, Service: "web", Revision: 1, Location: "default", DueAt: due, StartedAt: due, NextDueAt: due.Add(every),
		DurationMS: ms, Outcome: outcome, Attempts: 1, Trigger: monitor.TriggerSchedule,
	}
}
