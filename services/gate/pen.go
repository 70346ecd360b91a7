package gate

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/recent"
)

// request is the results of one report, waiting to be written.
type request struct {
	runner  string
	results []sized
	arrived time.Time
	// answer takes one error without blocking.
	answer chan error
}

// sized is a result and its size in bytes of JSON.
type sized struct {
	monitor.Result
	size int
}

// pen gathers the results of one location and writes them, one message at a time, in the order in
// which they came. One goroutine runs it.
type pen struct {
	location  string
	linger    time.Duration
	now       func() time.Time
	log       *slog.Logger
	results   Results
	announcer announcer
	metrics   *metrics
	in        chan *request

	recent *recent.IDs
	// active holds the runners that sent results lately.
	active  map[string]seen
	failing bool
}

// seen is when a runner last sent results.
type seen = time.Time

// activeFor is how long a runner counts as one that may send more any moment.
const activeFor = time.Second

// run ends when in is closed and all that came is answered.
func (p *pen) run(ctx context.Context) {
	for first := range p.in {
		requests := p.gather(first)
		stored, err := p.write(ctx, requests)
		for _, r := range requests {
			r.answer <- err
		}
		p.announcer.results(stored)
	}
}

// gather takes requests until somebody should wait no longer: a result failed or is waited for, the
// message is full, every runner that is active has its say in it, or the first has lingered enough.
func (p *pen) gather(first *request) []*request {
	var g gathering
	p.join(&g, first)
	timer := time.NewTimer(p.linger - p.now().Sub(first.arrived))
	defer timer.Stop()
	for !g.urgent && !g.full() && len(g.runners) < p.activeRunners() {
		select {
		case r, ok := <-p.in:
			if !ok {
				return g.requests
			}
			p.join(&g, r)
		case <-timer.C:
			return g.requests
		}
	}
	// Whoever waits already loses nothing by coming along.
	for !g.full() {
		select {
		case r, ok := <-p.in:
			if !ok {
				return g.requests
			}
			p.join(&g, r)
		default:
			return g.requests
		}
	}
	return g.requests
}

func (p *pen) join(g *gathering, r *request) {
	g.add(r)
	p.active[r.runner] = r.arrived
}

// activeRunners forgets the runners that have gone quiet and counts the others.
func (p *pen) activeRunners() int {
	oldest := p.now().Add(-activeFor)
	for id, at := range p.active {
		if at.Before(oldest) {
			delete(p.active, id)
		}
	}
	return len(p.active)
}

// gathering is what comes together for one message.
type gathering struct {
	requests       []*request
	runners        map[string]struct{}
	results, bytes int
	urgent         bool
}

func (g *gathering) add(r *request) {
	if g.runners == nil {
		g.runners = make(map[string]struct{})
	}
	g.requests = append(g.requests, r)
	g.runners[r.runner] = struct{}{}
	for _, result := range r.results {
		g.results++
		g.bytes += result.size
		good := result.Outcome == monitor.OutcomeSuccess || result.Outcome == monitor.OutcomeDegraded
		g.urgent = g.urgent || !good || result.Trigger != monitor.TriggerSchedule
	}
}

func (g *gathering) full() bool {
	return g.results >= MaxMessageResults || g.bytes >= maxMessageBytes
}

// write stores what is not stored yet and returns it with its positions. After an error nothing more
// is written, so that order holds, and every request is told to come again: what was stored is
// remembered and then answered at once.
func (p *pen) write(ctx context.Context, requests []*request) ([]monitor.EventMessage, error) {
	var stored []monitor.EventMessage
	for _, message := range p.messages(requests) {
		written, err := p.append(ctx, message)
		if err != nil {
			if !p.failing {
				p.log.Error("results cannot be stored; runners keep them and try again", "results", len(message), "error", err)
			}
			p.failing = true
			return stored, fmt.Errorf("store results: %w", err)
		}
		if p.failing {
			p.log.Info("results are stored again")
		}
		p.failing = false
		for _, result := range message {
			p.recent.Add(result.ID)
		}
		stored = append(stored, written...)
	}
	return stored, nil
}

// messages divides what is new among the requests into messages within their bounds.
func (p *pen) messages(requests []*request) [][]monitor.Result {
	var messages [][]monitor.Result
	var message []monitor.Result
	bytes := 0
	here := make(map[string]struct{})
	for _, r := range requests {
		for _, result := range r.results {
			if _, twice := here[result.ID]; twice || p.recent.Has(result.ID) {
				p.metrics.repeated.Inc()
				continue
			}
			here[result.ID] = struct{}{}
			if len(message) == MaxMessageResults || (len(message) > 0 && bytes+result.size > maxMessageBytes) {
				messages = append(messages, message)
				message, bytes = nil, 0
			}
			message = append(message, result.Result)
			bytes += result.size
		}
	}
	if len(message) > 0 {
		messages = append(messages, message)
	}
	return messages
}

func (p *pen) append(ctx context.Context, results []monitor.Result) ([]monitor.EventMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	messages := make([]monitor.EventMessage, len(results))
	for i, result := range results {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make an event id: %w", err)
		}
		messages[i] = monitor.EventMessage{
			Meta: monitor.Meta{
				ID: id.String(), Source: "/vedette/gate", Time: p.now().UTC(),
				CausationID: result.ID, CorrelationID: result.ID,
			},
			Event: monitor.Executed(result),
		}
	}
	begun := time.Now()
	stored, err := p.results.AppendResults(ctx, p.location, messages)
	if err != nil {
		return nil, err
	}
	p.metrics.write.Observe(time.Since(begun).Seconds())
	p.metrics.size.Observe(float64(len(results)))
	p.metrics.stored.Add(float64(len(results)))
	return stored, nil
}
