package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

type bench struct {
	options
	targets    *targets
	program    *program
	registered int
}

// quantiles are in milliseconds.
type quantiles struct{ p50, p99 float64 }

type report struct {
	checks       int
	rate         float64
	missed       float64 // share of those expected
	cpuPer1000   float64 // seconds
	delay        quantiles
	rssMiB       float64
	rssPer10k    float64 // MiB
	diskPerCheck float64 // bytes per result
	registerRate float64
}

// measure runs the load, times status changes under it, and rebuilds the read models of its results.
// It prints each part when it is done.
func (b *bench) measure(ctx context.Context, to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	empty, err := b.program.rss()
	if err != nil {
		return err
	}
	r, err := b.load(ctx)
	if err != nil {
		return err
	}
	r.rssPer10k = (r.rssMiB - float64(empty)/(1<<20)) * 10_000 / float64(r.checks)
	r.print(out)
	if b.options.whatIf {
		if err := b.whatIf(ctx, out); err != nil {
			return err
		}
		return out.Flush()
	}
	change, err := b.timeChanges(ctx)
	if err != nil {
		return err
	}
	row(out, "result to status change on SSE p50 / p99", "%.1f / %.1f ms", change.p50, change.p99)
	if err := out.Flush(); err != nil {
		return err
	}
	rebuilds, most, err := b.rebuild(ctx)
	if err != nil {
		return err
	}
	for _, one := range rebuilds {
		row(out, "rebuilt from nothing: "+one.projection, "%d results in %s, %.0f/s", one.messages, one.took, float64(one.messages)/one.took.Seconds())
	}
	row(out, "RSS meanwhile at most", "%.0f MiB", float64(most)/(1<<20))
	return out.Flush()
}

// settle is the least time between registering checks and measuring them.
const settle = 5 * time.Second

// load registers what is missing of the checks, lets them settle, and measures.
func (b *bench) load(ctx context.Context) (report, error) {
	r := report{checks: b.checks}
	begun := time.Now()
	fresh := b.checks - b.registered
	if err := b.register(ctx); err != nil {
		return r, err
	}
	r.registerRate = float64(fresh) / time.Since(begun).Seconds()
	if err := wait(ctx, max(2*b.interval, settle)); err != nil {
		return r, err
	}
	from, err := b.sample(ctx)
	if err != nil {
		return r, err
	}
	if err := wait(ctx, b.duration); err != nil {
		return r, err
	}
	to, err := b.sample(ctx)
	if err != nil {
		return r, err
	}
	elapsed := to.at.Sub(from.at).Seconds()
	done := to.stored - from.stored
	if done <= 0 {
		return r, errors.New("no result was stored: see the program's log")
	}
	expected := elapsed / b.interval.Seconds() * float64(b.checks)
	r.rate = done / elapsed
	r.missed = max(0, 1-done/expected)
	r.cpuPer1000 = (to.cpu - from.cpu).Seconds() / done * 1000
	r.rssMiB = float64(to.rss) / (1 << 20)
	r.diskPerCheck = float64(to.disk) / to.stored // blocks are compressed when they are full, so that a difference says nothing
	r.delay, err = b.startDelay(ctx)
	return r, err
}

type sample struct {
	at     time.Time
	stored float64
	cpu    time.Duration
	rss    int64
	disk   int64
}

func (b *bench) sample(ctx context.Context) (sample, error) {
	metrics, err := b.program.metrics(ctx)
	s := sample{at: time.Now()}
	s.stored = metrics["vedette_gate_results_stored_total"]
	var errs [3]error
	s.cpu, errs[0] = b.program.cpu()
	s.rss, errs[1] = b.program.rss()
	s.disk, errs[2] = b.program.disk("RESULTS")
	return s, errors.Join(err, errors.Join(errs[:]...))
}

func (b *bench) register(ctx context.Context) error {
	if b.registered == 0 {
		if err := b.program.post(ctx, "/api/v1/services", map[string]any{"id": "bench"}); err != nil {
			return err
		}
	}
	first := b.registered
	err := parallel(b.checks-first, func(i int) error {
		i += first
		check := map[string]any{
			"id": fmt.Sprint("bench-", i), "service": "bench", "kind": "http", "target": b.targets.httpURL,
			"interval": b.interval.String(), "timeout": min(b.interval, 5*time.Second).String(),
		}
		if float64(i%100) < 100*b.dnsShare {
			check["kind"], check["target"] = "dns", "example.test"
			check["options"] = map[string]any{"server": b.targets.dnsAddr}
		}
		return b.program.post(ctx, "/api/v1/checks", check)
	})
	b.registered = b.checks
	return err
}

// startDelay is how long after their due time executions began, over the history of 100 checks.
func (b *bench) startDelay(ctx context.Context) (quantiles, error) {
	var delays []float64
	for i := 0; i < b.checks; i += max(1, b.checks/100) {
		var page struct {
			Items []monitor.Result `json:"items"`
		}
		if err := b.program.get(ctx, fmt.Sprintf("/api/v1/checks/bench-%d/results?limit=100", i), &page); err != nil {
			return quantiles{}, err
		}
		since := time.Now().Add(-b.duration)
		for _, r := range page.Items {
			if r.DueAt.After(since) {
				delays = append(delays, milliseconds(r.StartedAt.Sub(r.DueAt)))
			}
		}
	}
	return quantilesOf(delays), nil
}

// timeChanges lets a target fail and recover, and times each change of the service's status on the
// event stream from the end of the execution that caused it. Both clocks are this machine's.
func (b *bench) timeChanges(ctx context.Context) (quantiles, error) {
	if err := b.program.post(ctx, "/api/v1/services", map[string]any{"id": "toggled"}); err != nil {
		return quantiles{}, err
	}
	streaming, stop := context.WithCancel(ctx)
	defer stop()
	open, arrivals, failed := make(chan struct{}), make(chan arrival, 16), make(chan error, 1)
	go func() { failed <- b.program.stream(streaming, "service=toggled", open, arrivals) }()
	select {
	case <-open:
	case err := <-failed:
		return quantiles{}, fmt.Errorf("event stream: %w", err)
	}
	if err := b.program.post(ctx, "/api/v1/checks", map[string]any{
		"id": "toggled", "service": "toggled", "kind": "http", "target": b.targets.httpURL + "toggle", "interval": "1s", "timeout": "1s",
	}); err != nil {
		return quantiles{}, err
	}
	var times []float64
	for len(times) < 2*b.toggles {
		select {
		case a := <-arrivals:
			if a.kind != (monitor.ServiceStatusChanged{}).Type() {
				continue
			}
			var change monitor.ServiceStatusChanged
			if err := json.Unmarshal(a.data, &change); err != nil {
				return quantiles{}, err
			}
			times = append(times, milliseconds(a.at.Sub(change.At)))
			b.targets.failing.Store(!b.targets.failing.Load())
		case err := <-failed:
			return quantiles{}, fmt.Errorf("event stream: %w", err)
		case <-time.After(30 * time.Second):
			return quantiles{}, errors.New("no change of status within 30 s")
		case <-ctx.Done():
			return quantiles{}, ctx.Err()
		}
	}
	return quantilesOf(times), nil
}

func row(out io.Writer, name, format string, args ...any) {
	fmt.Fprintf(out, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

func (r report) print(out io.Writer) {
	row(out, "checks", "%d", r.checks)
	row(out, "registered with 16 clients", "%.0f commands/s", r.registerRate)
	row(out, "results stored", "%.0f/s", r.rate)
	row(out, "missed", "%.2f %%", 100*r.missed)
	row(out, "CPU s per 1,000 checks", "%.3f", r.cpuPer1000)
	row(out, "schedule error p50 / p99", "%.1f / %.1f ms", r.delay.p50, r.delay.p99)
	row(out, "RSS", "%.0f MiB", r.rssMiB)
	row(out, "RSS per 10,000 checks", "%.0f MiB", r.rssPer10k)
	row(out, "bytes on disk per result", "%.0f", r.diskPerCheck)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func quantilesOf(values []float64) quantiles {
	if len(values) == 0 {
		return quantiles{}
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[min(len(values)-1, int(q*float64(len(values))))] }
	return quantiles{p50: at(0.5), p99: at(0.99)}
}
