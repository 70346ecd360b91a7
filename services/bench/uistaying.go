package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/chromedp/chromedp"
)

// keepingOpen measures what a board that stays open takes of the machine.
func (b *bench) keepingOpen(ctx context.Context, web *browser, out *tabwriter.Writer) error {
	full := time.Now()
	return b.visit(web, func(tab context.Context) error {
		if err := until(tab, "window.firstRows", 30*time.Second); err != nil {
			return err
		}
		if err := wait(ctx, 5*time.Second); err != nil { // what opening takes is over
			return err
		}
		var every, pages, updates []float64
		for range uiRounds {
			all, renderers, err1 := web.cpu()
			begun := time.Now()
			rate, err2 := b.updates(ctx)
			allAfter, renderersAfter, err3 := web.cpu()
			if err := errors.Join(err1, err2, err3); err != nil {
				return err
			}
			took := time.Since(begun).Seconds()
			every = append(every, 100*(allAfter-all).Seconds()/took)
			pages = append(pages, 100*(renderersAfter-renderers).Seconds()/took)
			updates = append(updates, rate)
		}
		row(out, fmt.Sprintf("browser, %d rows at %.0f updates/s: all processes / the page's, median of %d", uiMany, median(updates), uiRounds), "%.1f / %.1f %% of a core", median(every), median(pages))
		nodes, err := chromedp.Run(tab, chromedp.Evaluate[int]("document.getElementsByTagName('*').length"))
		if err != nil {
			return err
		}
		row(out, "elements in the page", "%d", nodes)
		return b.scrub(ctx, tab, full, out)
	})
}

// The moves of a round, and the time from one to the next: so long that the board of each is read.
const (
	scrubMoves = 30
	scrubPause = 150 * time.Millisecond
)

// scrub moves to and fro in the time since the board was full, and tells the longest task.
func (b *bench) scrub(ctx context.Context, tab context.Context, full time.Time, out *tabwriter.Writer) error {
	const boards = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/board?at=') && e.responseStatus === 200).length"
	var longest []float64
	var read int
	for range uiRounds {
		if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void]("void (longTasks.length = 0, performance.clearResourceTimings())")); err != nil {
			return err
		}
		past := time.Since(full) - 2*time.Second
		for i := range scrubMoves {
			at := full.Add(past * time.Duration(1+i*7%scrubMoves) / (scrubMoves + 1)).UTC().Format("2006-01-02T15:04:05Z")
			move := fmt.Sprintf("void (history.replaceState(null, '', '/?at=%s'), dispatchEvent(new PopStateEvent('popstate')))", at)
			if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](move)); err != nil {
				return fmt.Errorf("move through time: %w", err)
			}
			if err := wait(ctx, scrubPause); err != nil {
				return err
			}
		}
		// The last is shown, with all of its rows.
		if err := until(tab, fmt.Sprintf("document.querySelector('.live').innerText.startsWith('As it was') && document.querySelector('[role=table]').ariaRowCount === '%d'", uiMany+1), 10*time.Second); err != nil {
			return err
		}
		task, err1 := chromedp.Run(tab, chromedp.Evaluate[float64]("Math.max(0, ...longTasks)"))
		n, err2 := chromedp.Run(tab, chromedp.Evaluate[int](boards))
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		longest = append(longest, task)
		read += n
	}
	row(out, fmt.Sprintf("longest task of %d moves through time, %d boards read, median / worst of %d", scrubMoves*uiRounds, read, uiRounds), "%.0f / %.0f ms (0: none over 50 ms)", median(longest), worst(longest))
	return nil
}
