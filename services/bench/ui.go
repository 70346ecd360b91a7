package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// The loads of the interface: few checks to open the board with, some to weigh the stream with, and
// many to keep it open with.
const (
	uiFew, uiSome, uiMany = 1000, 2000, 5000
	uiInterval            = 10 * time.Second
	uiServices            = 40
	// Two of a hundred checks fail and recover, all at once, so often.
	uiFailing     = 2
	uiToggleEvery = 12 * time.Second
	// How often each is measured.
	navigations, uiRounds = 7, 3
)

// watchPage notes when the first rows stand in the page, and every task that was long.
const watchPage = `
window.longTasks = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) longTasks.push(e.duration); }).observe({type: 'longtask', buffered: true});
new MutationObserver((_, observer) => {
	if (!document.querySelector('.row .name')) return;
	observer.disconnect();
	requestAnimationFrame(() => { window.firstRows = performance.now(); });
}).observe(document, {childList: true, subtree: true});`

// measureUI measures the board in a browser, under a load of real checks.
func (b *bench) measureUI(ctx context.Context, to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	web, err := openBrowser(ctx)
	if err != nil {
		return err
	}
	defer web.end()
	toggling, stop := context.WithCancel(ctx)
	toggled := make(chan struct{})
	go func() {
		defer close(toggled)
		b.toggle(toggling)
	}()
	defer func() {
		stop()
		<-toggled
	}()
	for _, step := range []struct {
		checks  int
		measure func(context.Context, *browser, *tabwriter.Writer) error
	}{{uiFew, b.opening}, {uiSome, b.weighing}, {uiMany, b.keepingOpen}} {
		if err := b.registerBoard(ctx, step.checks); err != nil {
			return err
		}
		if err := wait(ctx, 2*uiInterval); err != nil {
			return err
		}
		if err := step.measure(ctx, web, out); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func median(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }
func worst(values []float64) float64  { return slices.Max(values) }

func (b *bench) toggle(ctx context.Context) {
	for wait(ctx, uiToggleEvery) == nil {
		b.targets.failing.Store(!b.targets.failing.Load())
	}
}

// registerBoard registers checks until there are so many, as a company might name them.
func (b *bench) registerBoard(ctx context.Context, checks int) error {
	if b.registered == 0 {
		err := parallel(uiServices, func(i int) error {
			return b.program.post(ctx, "/api/v1/services", map[string]any{"id": fmt.Sprintf("service-%02d", i), "name": fmt.Sprintf("Service %02d", i)})
		})
		if err != nil {
			return err
		}
	}
	first := b.registered
	b.registered = checks
	return parallel(checks-first, func(i int) error {
		i += first
		target := fmt.Sprintf("%spath/of/check/%d", b.targets.httpURL, i)
		if i%100 < uiFailing {
			target = b.targets.httpURL + "toggle"
		}
		return b.program.post(ctx, "/api/v1/checks", map[string]any{
			"id": fmt.Sprintf("check-%05d", i), "name": fmt.Sprintf("Check %05d of the board", i), "service": fmt.Sprintf("service-%02d", i%uiServices),
			"kind": "http", "target": target, "interval": uiInterval.String(), "timeout": "5s", "failure_threshold": 1,
			"labels": map[string]string{"team": fmt.Sprintf("team-%d", i%12), "tier": fmt.Sprint(i % 3)},
		})
	})
}
