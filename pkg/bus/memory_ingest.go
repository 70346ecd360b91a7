package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// errNoGate says that nobody takes reports: try again.
var errNoGate = errors.New("report to the gate: none is there")

type memoryIngest struct {
	mu    sync.Mutex
	gates []*memoryGate
	turn  int
}

type memoryGate struct {
	handle  func(context.Context, string, Report) error
	work    context.Context //nolint:containedctx // the server's, for the reports in hand
	running sync.WaitGroup
}

// Deliver implements Ingest.
func (m *Memory) Deliver(ctx context.Context, location string, report Report) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("report to the gate: %w", err)
	}
	answer := make(chan error, 1)
	if !m.ingest.take(location, copied(report), answer) {
		return errNoGate
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("report to the gate: %w", ctx.Err())
	}
}

// take hands a report to the gate whose turn it is, if there is one.
func (i *memoryIngest) take(location string, report Report, answer chan<- error) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.gates) == 0 {
		return false
	}
	i.turn++
	gate := i.gates[i.turn%len(i.gates)]
	gate.running.Go(func() { answer <- gate.handle(gate.work, location, report) })
	return true
}

// ServeIngest implements IngestServer.
func (m *Memory) ServeIngest(ctx context.Context, handle func(ctx context.Context, location string, report Report) error) error {
	// What has come in is answered even while stopping.
	gate := &memoryGate{handle: handle, work: context.WithoutCancel(ctx)}
	i := &m.ingest
	i.mu.Lock()
	i.gates = append(i.gates, gate)
	i.mu.Unlock()
	<-ctx.Done()
	i.mu.Lock()
	i.gates = slices.DeleteFunc(i.gates, func(g *memoryGate) bool { return g == gate })
	i.mu.Unlock()
	gate.running.Wait()
	return nil
}
