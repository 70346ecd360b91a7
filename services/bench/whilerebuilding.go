package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

// measureRebuilds measures what those who ask notice of a rebuild of all read models, under the load
// of the checks: first without, then while all are rebuilt over and over. It fails when an answer was
// wrong or what was built is not the same.
func (b *bench) measureRebuilds(ctx context.Context, out io.Writer) error {
	r, err := b.load(ctx)
	if err != nil {
		return err
	}
	row(out, "checks, every", "%d, %s", r.checks, b.interval)
	p, err := b.newProbes(ctx)
	if err != nil {
		return err
	}
	without, err := b.stretch(ctx, p, func(ctx context.Context) error { return wait(ctx, b.duration) })
	if err != nil {
		return err
	}
	without.print(out, "without")
	all := newRounds()
	with, err := b.stretch(ctx, p, func(ctx context.Context) error {
		for begun := time.Now(); time.Since(begun) < b.duration; {
			if err := b.rebuildAll(ctx, all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	with.print(out, "meanwhile")
	row(out, "ratio of p50 / p99", "%.2f / %.2f", with.answers.p50/without.answers.p50, with.answers.p99/without.answers.p99)
	all.print(out)
	row(out, "answers judged / wrong", "%d / %d", p.asked, len(p.wrong))
	for _, wrong := range p.wrong[:min(len(p.wrong), 5)] {
		row(out, "wrong", "%s", wrong)
	}
	switch {
	case len(p.wrong) > 0:
		return fmt.Errorf("%d answers were wrong", len(p.wrong))
	case all.different > 0:
		return fmt.Errorf("%d keys were built otherwise than they were", all.different)
	}
	return nil
}

// stretched is what was measured while something was done.
type stretched struct {
	took         time.Duration
	answers      quantiles
	delay        quantiles
	missed, done int
}

// stretch measures while something is done. Executions of its last interval are left out: they may not
// be in the history yet.
func (b *bench) stretch(ctx context.Context, p *probes, do func(context.Context) error) (s stretched, err error) {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	asked := make(chan quantiles, 1)
	go func() { asked <- p.run(probing) }()
	begun := time.Now()
	err = do(ctx)
	ended := time.Now()
	stop()
	s.took, s.answers = ended.Sub(begun), <-asked
	if err != nil {
		return s, err
	}
	if err := wait(ctx, b.interval+staleAfter); err != nil {
		return s, err
	}
	if s.missed, s.done, err = b.missed(ctx, begun, ended); err != nil {
		return s, err
	}
	s.delay, err = b.startDelay(ctx)
	return s, err
}

func (s stretched) print(out io.Writer, when string) {
	row(out, when+": for", "%s", s.took.Round(time.Second))
	row(out, when+": API p50 / p99", "%.1f / %.1f ms", s.answers.p50, s.answers.p99)
	row(out, when+": executions, missed", "%d (%.0f/s), %d", s.done, float64(s.done)/s.took.Seconds(), s.missed)
	row(out, when+": schedule error p50 / p99", "%.1f / %.1f ms", s.delay.p50, s.delay.p99)
}

// rounds are rebuilds of all read models, one after the other.
type rounds struct {
	count           int
	same, different int
	// took and messages are sums over all rounds by read model.
	took     map[string]time.Duration
	messages map[string]int
}

func newRounds() *rounds {
	return &rounds{took: make(map[string]time.Duration), messages: make(map[string]int)}
}

// rebuildAll orders a rebuild of each read model and waits until all serve.
func (b *bench) rebuildAll(ctx context.Context, all *rounds) error {
	list := func() (views []readmodel.ProjectionView, err error) {
		var page readmodel.Page[readmodel.ProjectionView]
		err = b.program.get(ctx, "/api/v1/projections", &page)
		return page.Items, err
	}
	before, err := list()
	if err != nil {
		return err
	}
	serving := make(map[string]int)
	for _, v := range before {
		serving[v.Name] = v.Lineage.Serving
		if err := b.program.order(ctx, "/api/v1/projections/"+v.Name+"/rebuild"); err != nil {
			return err
		}
	}
	for limit := time.Now().Add(10 * time.Minute); ; {
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		now, err := list()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(now, func(v readmodel.ProjectionView) bool {
			return v.Lineage.Serving == serving[v.Name] || v.Progress == nil || !v.Progress.Ended() || v.Comparison == nil || v.Comparison.New != v.Lineage.Serving
		}) {
			if time.Now().After(limit) {
				return fmt.Errorf("the read models were not rebuilt in 10 minutes:\n%s", b.program.log)
			}
			continue
		}
		for _, v := range now {
			all.same += v.Comparison.Same
			all.different += v.Comparison.Different + v.Comparison.OnlyOld + v.Comparison.OnlyNew
			all.took[v.Name] += v.Progress.UpdatedAt.Sub(v.Progress.StartedAt)
			all.messages[v.Name] += v.Progress.Messages
		}
		all.count++
		return nil
	}
}

func (r *rounds) print(out io.Writer) {
	row(out, "rebuilds of all", "%d", r.count)
	for _, name := range []string{"activity", "history", "traces"} {
		row(out, "rebuilt meanwhile: "+name, "%.0f results/s", float64(r.messages[name])/max(r.took[name].Seconds(), 1e-3))
	}
	row(out, "keys compared, not the same", "%d, %d", r.same, r.different)
}
