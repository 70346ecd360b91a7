package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/chromedp/chromedp"
)

// opening measures how long it takes until rows are seen, and what was loaded for it. The browser's
// first page is not counted: it also starts the browser's own processes.
func (b *bench) opening(ctx context.Context, web *browser, out *tabwriter.Writer) error {
	var times []float64
	var bytes int
	for i := range navigations + 1 {
		err := b.visit(web, func(tab context.Context) error {
			if err := until(tab, "window.firstRows", 20*time.Second); err != nil {
				return err
			}
			at, err := chromedp.Run(tab, chromedp.Evaluate[float64]("window.firstRows"))
			if err != nil || i == 0 {
				return err
			}
			times = append(times, at)
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
	row(out, fmt.Sprintf("first rows of %d checks after navigation, median / worst of %d", uiFew, navigations), "%.0f / %.0f ms", median(times), worst(times))
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
	streaming, stop := context.WithCancel(ctx)
	defer stop()
	var read atomic.Int64
	ended := make(chan error, 1)
	go func() { ended <- b.countStream(streaming, &read) }()
	if err := wait(ctx, 2*time.Second); err != nil { // the whole board comes first
		return err
	}
	var rates, updates []float64
	for range uiRounds {
		from, begun := read.Load(), time.Now()
		rate, err := b.updates(ctx)
		if err != nil {
			return err
		}
		select {
		case err := <-ended:
			return fmt.Errorf("read the stream of the board: %w", err)
		default:
		}
		updates = append(updates, rate)
		rates = append(rates, float64(read.Load()-from)/time.Since(begun).Seconds())
	}
	row(out, fmt.Sprintf("stream of the board at %.0f updates/s, a viewer, median of %d", median(updates), uiRounds), "%.1f KB/s", median(rates)/1000)
	return nil
}

// countStream adds up the bytes of the board's stream until it ends.
func (b *bench) countStream(ctx context.Context, read *atomic.Int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.program.base+"/api/v1/board/stream", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := response.Body.Read(buffer)
		read.Add(int64(n))
		if err != nil {
			return err
		}
	}
}

// updates are the results that are stored each second, over the time of one round.
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
