package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/recent"
)

// Run takes reports until ctx ends, then writes and answers what is in hand and returns nil. Before
// that, only an error in the options or of the bus itself ends it.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return fmt.Errorf("gate options: %w", err)
	}
	metrics, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("gate metrics: %w", err)
	}
	g := &gate{
		opt: opt, metrics: metrics, announcer: announcer{bus: b, log: opt.Log, metrics: metrics},
		bus: b, slots: make(chan struct{}, maxReports), pens: make(map[string]*pen),
		// What is in hand is written after ctx has ended.
		work: context.WithoutCancel(ctx),
	}
	opt.Log.Info("gate started", "linger", opt.Linger)
	err = b.ServeIngest(ctx, g.handle)
	g.close()
	opt.Log.Info("gate stopped")
	if err != nil {
		return fmt.Errorf("take reports: %w", err)
	}
	return nil
}

// gate hands each report to the pen of its location.
type gate struct {
	opt       Options
	metrics   *metrics
	bus       Bus
	announcer announcer
	work      context.Context //nolint:containedctx // the life of the pens, which outlive ctx
	// slots bounds the reports in hand.
	slots chan struct{}

	mu     sync.Mutex
	pens   map[string]*pen
	penned sync.WaitGroup
}

// handle answers one report: nil when all its results are durable.
func (g *gate) handle(ctx context.Context, location string, report bus.Report) error {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		g.metrics.reports.WithLabelValues("failed").Inc()
		return errBusy
	}
	err := g.take(ctx, location, report)
	switch {
	case err == nil:
		g.metrics.reports.WithLabelValues("taken").Inc()
	case errors.Is(err, bus.ErrRefused):
		g.metrics.reports.WithLabelValues("refused").Inc()
		g.opt.Log.Warn("refused a report", "location", clip(location), "runner", clip(report.Runner.ID), "error", err)
	default:
		g.metrics.reports.WithLabelValues("failed").Inc()
	}
	return err
}

func (g *gate) take(ctx context.Context, location string, report bus.Report) error {
	sizes, err := validate(location, report, g.opt.Now())
	if err != nil {
		return err
	}
	if report.Runner.ID != monitor.HeartbeatRunner {
		g.announcer.runner(report)
	}
	r := &request{runner: report.Runner.ID, arrived: g.opt.Now(), answer: make(chan error, 1)}
	for i, result := range report.Results {
		if result.Trigger == monitor.TriggerTest {
			g.announcer.test(result)
			continue
		}
		r.results = append(r.results, sized{result, sizes[i]})
	}
	if len(r.results) == 0 {
		return nil
	}
	p, err := g.pen(location)
	if err != nil {
		return err
	}
	select {
	case p.in <- r:
	case <-ctx.Done():
		return fmt.Errorf("results were not taken in time: %w", ctx.Err())
	}
	// Not by ctx: once taken they will be written, and the runner is better told so.
	return <-r.answer
}

// pen returns the pen of a location, and opens it when it is the first time.
func (g *gate) pen(location string) (*pen, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.pens[location]; ok {
		return p, nil
	}
	if len(g.pens) >= maxLocations {
		return nil, errBusy
	}
	p := &pen{
		location: location, linger: g.opt.Linger, now: g.opt.Now, log: g.opt.Log.With("location", location),
		results: g.bus, announcer: g.announcer, metrics: g.metrics,
		in: make(chan *request), recent: recent.NewIDs(remembered), active: make(map[string]seen),
	}
	g.pens[location] = p
	g.penned.Go(func() { p.run(g.work) })
	return p, nil
}

// close ends the pens; no report is in hand any more.
func (g *gate) close() {
	g.mu.Lock()
	for _, p := range g.pens {
		close(p.in)
	}
	g.mu.Unlock()
	g.penned.Wait()
}
