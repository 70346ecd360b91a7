package runner

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// heartbeatEvery is how often an idle runner shows the gate a sign of life, heartbeatRetry how
	// soon it tries again when that failed.
	heartbeatEvery = 5 * time.Second
	heartbeatRetry = time.Second
	// deliverTimeout bounds one attempt to deliver; stoppingTimeout the last word.
	deliverTimeout  = 5 * time.Second
	stoppingTimeout = 2 * time.Second
)

// parcel is what goes to the gate in one report.
type parcel struct {
	items []done
	// undelivered: the shutdown ended before the gate had answered.
	undelivered bool
}

// sender delivers parcels, one at a time, in order.
type sender struct {
	gate      bus.Ingest
	self      monitor.Runner
	log       *slog.Logger
	metrics   *metrics
	condition *condition
	parcels   <-chan *parcel
	settled   chan<- *parcel
}

// run ends when parcels is closed, after telling the gate that the runner stops. When ctx ends,
// what could not be delivered by then is settled as undelivered.
func (s *sender) run(ctx context.Context) {
	beat := time.NewTimer(0)
	defer beat.Stop()
	for {
		select {
		case p, ok := <-s.parcels:
			if !ok {
				s.sayStopping(ctx)
				return
			}
			results := make([]monitor.Result, len(p.items))
			for i, item := range p.items {
				results[i] = item.result
			}
			p.undelivered = s.deliver(ctx, results) != nil
			s.settled <- p
			beat.Reset(heartbeatEvery)
		case <-beat.C:
			if err := s.attempt(ctx, nil); err != nil {
				s.condition.failed(err)
				beat.Reset(heartbeatRetry)
				continue
			}
			s.condition.worked()
			beat.Reset(heartbeatEvery)
		}
	}
}

// deliver tries for as long as it takes. A refused report is divided until the results that the gate
// refuses stand alone; those are dropped. The only error is that of ctx.
func (s *sender) deliver(ctx context.Context, results []monitor.Result) error {
	var pause backoff
	for {
		err := s.attempt(ctx, results)
		switch {
		case err == nil:
			s.condition.worked()
			return nil
		case errors.Is(err, bus.ErrRefused) && len(results) > 1:
			half := len(results) / 2
			if err := s.deliver(ctx, results[:half]); err != nil {
				return err
			}
			results = results[half:]
			continue
		case errors.Is(err, bus.ErrRefused):
			s.metrics.refused.Inc()
			s.log.Error("the gate refused a result; it is lost", "execution", results[0].ID,
				"check", results[0].CheckID, "outcome", results[0].Outcome, "error", err)
			return nil
		}
		s.condition.failed(err)
		if !pause.wait(ctx) {
			return ctx.Err()
		}
	}
}

func (s *sender) attempt(ctx context.Context, results []monitor.Result) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	begun := time.Now()
	err := s.gate.Deliver(ctx, s.self.Location, bus.Report{Runner: s.self, Results: results})
	if err == nil && len(results) > 0 {
		s.metrics.deliver.Observe(time.Since(begun).Seconds())
	}
	return err
}

func (s *sender) sayStopping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stoppingTimeout)
	defer cancel()
	err := s.gate.Deliver(ctx, s.self.Location, bus.Report{Runner: s.self, Stopping: true})
	if err != nil {
		s.log.Warn("the gate could not be told that this runner stops; it will count as silent", "error", err)
	}
}
