package scheduler

import (
	"context"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// sender dispatches the executions of one location, so that no location delays another.
type sender struct {
	location string
	fence    uint64
	bus      bus.Executions
	queue    *queue
	now      func() time.Time
	log      *slog.Logger
	metrics  *metrics
	failing  bool
}

// run ends with ctx. The location is open before anything is sent to it.
func (s *sender) run(ctx context.Context) {
	pause := newBackoff()
	open := false
	for ctx.Err() == nil {
		if !open {
			if open = s.open(ctx); !open {
				pause.Wait(ctx)
				continue
			}
			pause.Reset()
		}
		batch, missed := s.queue.peek(s.now())
		s.metrics.missed.Add(float64(missed))
		if len(batch) == 0 {
			s.metrics.waiting.WithLabelValues(s.location).Set(0)
			select {
			case <-ctx.Done():
			case <-s.queue.filled:
			}
			continue
		}
		err := s.dispatch(ctx, batch)
		if err == nil {
			pause.Reset()
			s.queue.drop(batch)
			s.sent(batch)
			continue
		}
		s.failed(ctx, "dispatch", err)
		open = !errors.Is(err, bus.ErrNoLocation)
		pause.Wait(ctx)
	}
}

func (s *sender) open(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := s.bus.OpenLocation(ctx, s.location)
	if err != nil {
		s.failed(ctx, "open", err)
	}
	return err == nil
}

// dispatch sends one batch. Sending it again after a lost answer is harmless.
func (s *sender) dispatch(ctx context.Context, batch []item) error {
	command := monitor.ExecuteChecks{Location: s.location, Fence: s.fence, Executions: make([]monitor.Execution, len(batch))}
	for i, it := range batch {
		command.Executions[i] = it.Execution
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return s.bus.Dispatch(ctx, dispatchID(command), command)
}

// dispatchID is the same for the same executions, whoever sends them.
func dispatchID(command monitor.ExecuteChecks) string {
	h := fnv.New128a()
	for _, execution := range command.Executions {
		_, _ = h.Write([]byte(execution.ID())) // never fails, by hash.Hash
		_, _ = h.Write([]byte{0})
	}
	return command.Location + "." + hex.EncodeToString(h.Sum(nil))
}

func (s *sender) sent(batch []item) {
	now := s.now()
	for _, i := range batch {
		s.metrics.lead.Observe(i.DueAt.Sub(now).Seconds())
	}
	s.metrics.executions.WithLabelValues(string(monitor.TriggerSchedule)).Add(float64(len(batch)))
	s.metrics.waiting.WithLabelValues(s.location).Set(float64(s.queue.length()))
	if s.failing {
		s.failing = false
		s.log.Info("executions are dispatched again", "location", s.location)
	}
}

// failed counts a failure, and logs the first in a row.
func (s *sender) failed(ctx context.Context, what string, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	s.metrics.failures.WithLabelValues(what).Inc()
	s.metrics.waiting.WithLabelValues(s.location).Set(float64(s.queue.length()))
	if !s.failing {
		s.failing = true
		s.log.Error("executions cannot be dispatched; trying again while they are current", "location", s.location, "error", err)
	}
}
