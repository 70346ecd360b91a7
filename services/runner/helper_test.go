package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const here = "north"

// engine executes as its function says, and counts how often each execution was begun.
type engine struct {
	execute func(ctx context.Context, e monitor.Execution) monitor.Result

	mu    sync.Mutex
	begun map[string]int
	now   int
	most  int
}

func (g *engine) Execute(ctx context.Context, e monitor.Execution) monitor.Result {
	g.mu.Lock()
	if g.begun == nil {
		g.begun = make(map[string]int)
	}
	g.begun[e.ID()]++
	g.now++
	g.most = max(g.most, g.now)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.now--
		g.mu.Unlock()
	}()
	started := time.Now()
	var r monitor.Result
	if g.execute != nil {
		r = g.execute(ctx, e)
	} else {
		r = resultOf(e, monitor.OutcomeSuccess)
	}
	r.StartedAt = started
	return r
}

// executed returns how many executions were begun, and how often the one begun most often was.
func (g *engine) executed() (executions, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, times := range g.begun {
		most = max(most, times)
	}
	return len(g.begun), most
}

// quick is an engine whose target is always well.
type quick struct{}

func (quick) Execute(_ context.Context, e monitor.Execution) monitor.Result {
	return resultOf(e, monitor.OutcomeSuccess)
}

// slow returns an engine function that takes a while, or until it is cut off.
func slow(d time.Duration) func(context.Context, monitor.Execution) monitor.Result {
	return func(ctx context.Context, e monitor.Execution) monitor.Result {
		select {
		case <-time.After(d):
			return resultOf(e, monitor.OutcomeSuccess)
		case <-ctx.Done():
			return resultOf(e, monitor.OutcomeError)
		}
	}
}

func resultOf(e monitor.Execution, outcome monitor.Outcome) monitor.Result {
	return monitor.Result{
		ID: e.ID(), CheckID: e.Check.ID, Service: e.Check.Service, Revision: e.Revision, Location: e.Location,
		Runner: "runner-1", DueAt: e.DueAt, StartedAt: e.DueAt, NextDueAt: e.NextDueAt, DurationMS: 1,
		Outcome: outcome, Attempts: 1, Trigger: e.Trigger,
	}
}

// batch returns count executions of checks prefix-0, prefix-1, … due at the given time.
func batch(prefix string, count int, due time.Time) monitor.ExecuteChecks {
	b := monitor.ExecuteChecks{Location: here}
	for i := range count {
		b.Executions = append(b.Executions, monitor.Execution{
			Check:    monitor.Definition{ID: fmt.Sprintf("%s-%d", prefix, i), Service: "web", Kind: "http"},
			Revision: 1, Location: here, DueAt: due, NextDueAt: due.Add(time.Minute), Trigger: monitor.TriggerSchedule,
		})
	}
	return b
}

// link is a runner's connection, which can be cut.
type link struct {
	bus.ExecutionSource
	bus.Ingest
	isCut  atomic.Bool
	silent atomic.Bool // KeepAlive alone fails
	deaf   atomic.Bool // Ack alone fails
	// stubborn: Pull goes on after its context has ended, as an answer under way does.
	stubborn atomic.Bool
	acks     atomic.Int64
}

var errCut = errors.New("connection is cut")

func (l *link) Pull(ctx context.Context, wait time.Duration) (bus.Delivery, error) {
	if l.isCut.Load() {
		return nil, errCut
	}
	if l.stubborn.Load() {
		ctx = context.WithoutCancel(ctx)
	}
	d, err := l.ExecutionSource.Pull(ctx, wait)
	if err != nil {
		return nil, err
	}
	return linked{d, l}, nil
}

func (l *link) Deliver(ctx context.Context, location string, report bus.Report) error {
	if l.isCut.Load() {
		return errCut
	}
	return l.Ingest.Deliver(ctx, location, report)
}

type linked struct {
	bus.Delivery
	link *link
}

func (d linked) KeepAlive() error {
	if d.link.isCut.Load() || d.link.silent.Load() {
		return errCut
	}
	return d.Delivery.KeepAlive()
}

func (d linked) Ack(ctx context.Context) error {
	if d.link.isCut.Load() || d.link.deaf.Load() {
		return errCut
	}
	d.link.acks.Add(1)
	return d.Delivery.Ack(ctx)
}

func (d linked) Return() error {
	if d.link.isCut.Load() {
		return errCut
	}
	return d.Delivery.Return()
}

// start runs a runner; stop ends it and holds that it stops well.
func start(t testing.TB, b Bus, opt Options) (stop func()) {
	t.Helper()
	if opt.ID == "" {
		opt.ID = "runner-1"
	}
	opt.Location = here
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, b, opt) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}
