package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// staleAfter is how much older than two intervals the last result of a check may be.
const staleAfter = 3 * time.Second

// judge says what is wrong with a view of a check that has run since first: as many executions are
// expected as there were due times up to its last result, and those since, where they are missed.
func (p *probes) judge(path string, body []byte, first time.Time) string {
	var view struct {
		Last   *monitor.Result `json:"last_result"`
		Uptime map[string]struct {
			Expected int `json:"expected"`
		} `json:"uptime"`
	}
	if err := json.Unmarshal(body, &view); err != nil {
		return fmt.Sprintf("GET %s: %v", path, err)
	}
	if view.Last == nil {
		return fmt.Sprintf("GET %s: it has no last result", path)
	}
	interval, age := p.b.interval, time.Since(view.Last.DueAt)
	if age > 2*interval+staleAfter {
		return fmt.Sprintf("GET %s: its last result is %s old", path, age.Round(time.Millisecond))
	}
	due := int(view.Last.DueAt.Sub(first)/interval) + 1
	if got := view.Uptime["24h"].Expected; got < due || got > due+int(age/interval) {
		return fmt.Sprintf("GET %s: %d executions are expected, there were %d due times and %s since", path, got, due, age.Round(time.Millisecond))
	}
	return ""
}

// missed counts the executions of all checks that were due between two times and are in no history.
func (b *bench) missed(ctx context.Context, from, to time.Time) (missed, done int, err error) {
	var counting sync.Mutex
	err = parallel(b.registered, func(i int) error {
		var page struct {
			Items []monitor.Result `json:"items"`
		}
		path := fmt.Sprintf("/api/v1/checks/bench-%d/results?limit=1000&from=%s&to=%s", i, from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
		if err := b.program.get(ctx, path, &page); err != nil {
			return err
		}
		due := make([]time.Time, len(page.Items))
		for n, r := range page.Items {
			due[n] = r.DueAt
		}
		counting.Lock()
		defer counting.Unlock()
		done += len(due)
		missed += gaps(due, from, to, b.interval)
		return nil
	})
	return missed, done, err
}

// gaps counts what is missing of a row of due times, an interval apart, between two times.
func gaps(due []time.Time, from, to time.Time, interval time.Duration) (missing int) {
	slices.SortFunc(due, time.Time.Compare)
	last := from.Add(-interval) // the first is due within an interval of from
	for _, at := range due {
		missing += max(0, int(at.Sub(last)/interval)-1)
		last = at
	}
	return missing + int(max(0, to.Sub(last)-1)/interval)
}
