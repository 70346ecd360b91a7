package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/chromedp/chromedp"
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
	navigations   = 7
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

// opening measures how long it takes until rows are seen, and what was loaded for it.
func (b *bench) opening(ctx context.Context, web *browser, out *tabwriter.Writer) error {
	var times []float64
	var bytes int
	for range navigations {
		err := b.visit(web, func(tab context.Context) error {
			if err := until(tab, "window.firstRows", 20*time.Second); err != nil {
				return err
			}
			at, err := chromedp.Run(tab, chromedp.Evaluate[float64]("window.firstRows"))
			times = append(times, at)
			if err != nil {
				return err
			}
			bytes, err = chromedp.Run(tab, chromedp.Evaluate[int](`performance.getEntriesByType('resource').filter((e) => /\.(js|css)$/.test(e.name) && e.startTime < firstRows).reduce((sum, e) => sum + e.encodedBodySize, 0)`))
			return err
		})
		if err != nil {
			return err
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	slices.Sort(times)
	row(out, fmt.Sprintf("first rows of %d checks after navigation, median / worst of %d", uiFew, navigations), "%.0f / %.0f ms", times[len(times)/2], times[len(times)-1])
	row(out, "JavaScript and CSS until then, as sent", "%.1f KB", float64(bytes)/1000)
	return nil
}

// visit opens the board in a tab and closes it afterwards.
func (b *bench) visit(web *browser, look func(tab context.Context) error) error {
	tab, closeTab, err := web.tab(watchPage)
	if err != nil {
		return err
	}
	defer closeTab()
	if err := chromedp.Do(tab, chromedp.Navigate(b.program.base+"/")); err != nil {
		return fmt.Errorf("open the board: %w", err)
	}
	return look(tab)
}

// weighing counts the bytes of the board's stream after its first frame.
func (b *bench) weighing(ctx context.Context, _ *browser, out *tabwriter.Writer) error {
	rate, err := b.streamRate(ctx)
	if err != nil {
		return err
	}
	updates, err := b.updates(ctx)
	if err != nil {
		return err
	}
	row(out, fmt.Sprintf("stream of the board at %.0f updates/s, a viewer", updates), "%.1f KB/s", rate/1000)
	return nil
}

// streamRate is in bytes per second.
func (b *bench) streamRate(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.duration+uiInterval)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.program.base+"/api/v1/board/stream", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	buffer := make([]byte, 64<<10)
	var total int
	var from time.Time
	for opened := time.Now(); ; {
		n, err := response.Body.Read(buffer)
		if err != nil {
			return 0, fmt.Errorf("read the stream of the board: %w", err)
		}
		switch now := time.Now(); {
		case now.Sub(opened) < 2*time.Second: // the whole board comes first
			from = now
		case now.Sub(from) > b.duration:
			return float64(total) / now.Sub(from).Seconds(), nil
		default:
			total += n
		}
	}
}

// updates are the results that are stored each second.
func (b *bench) updates(ctx context.Context) (float64, error) {
	from, err := b.sample(ctx)
	if err != nil {
		return 0, err
	}
	if err := wait(ctx, b.duration); err != nil {
		return 0, err
	}
	to, err := b.sample(ctx)
	return (to.stored - from.stored) / to.at.Sub(from.at).Seconds(), err
}

// keepingOpen measures what a board that stays open takes of the machine.
func (b *bench) keepingOpen(ctx context.Context, web *browser, out *tabwriter.Writer) error {
	return b.visit(web, func(tab context.Context) error {
		if err := until(tab, "window.firstRows", 30*time.Second); err != nil {
			return err
		}
		if err := wait(ctx, 5*time.Second); err != nil { // what opening takes is over
			return err
		}
		all, renderers, err1 := web.cpu()
		begun := time.Now()
		updates, err2 := b.updates(ctx)
		allAfter, renderersAfter, err3 := web.cpu()
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		took := time.Since(begun).Seconds()
		row(out, fmt.Sprintf("browser, %d rows at %.0f updates/s: all processes / the page's", uiMany, updates), "%.1f / %.1f %% of a core",
			100*(allAfter-all).Seconds()/took, 100*(renderersAfter-renderers).Seconds()/took)
		nodes, err := chromedp.Run(tab, chromedp.Evaluate[int]("document.getElementsByTagName('*').length"))
		if err != nil {
			return err
		}
		row(out, "elements in the page", "%d", nodes)
		return b.scrub(ctx, tab, out)
	})
}

// scrub moves through time and tells the longest task.
func (b *bench) scrub(ctx context.Context, tab context.Context, out *tabwriter.Writer) error {
	if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void]("void (longTasks.length = 0)")); err != nil {
		return err
	}
	const steps = 30
	for i := range steps {
		move := fmt.Sprintf(`(() => { const range = document.querySelector('.scrub input[type=range]'); range.value = Number(range.max) - %d; range.dispatchEvent(new Event('input', {bubbles: true})); })()`, 1+i%10)
		if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void]("void "+move)); err != nil {
			return fmt.Errorf("move through time: %w", err)
		}
		if err := wait(ctx, 150*time.Millisecond); err != nil {
			return err
		}
	}
	longest, err := chromedp.Run(tab, chromedp.Evaluate[float64]("Math.max(0, ...longTasks)"))
	if err != nil {
		return err
	}
	row(out, fmt.Sprintf("longest task of %d moves through time", steps), "%.0f ms (0: none over 50 ms)", longest)
	return nil
}
