package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// whatIf times replays of what was recorded so far, and measures the load again while the whole
// service is replayed over and over.
func (b *bench) whatIf(ctx context.Context, out io.Writer) error {
	ask := func(ctx context.Context, of, id string) (time.Duration, error) {
		begun := time.Now()
		question := fmt.Sprintf(`{"%s":"%s","from":"-24h","set":{"failure_threshold":3}}`, of, id)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.program.base+"/api/v1/replays", strings.NewReader(question))
		if err != nil {
			return 0, err
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("POST /api/v1/replays: %s: %.500s", response.Status, answer)
		}
		return time.Since(begun), err
	}
	one, err := ask(ctx, "check", "bench-0")
	if err != nil {
		return err
	}
	row(out, "what-if over everything, one check", "%s", one.Round(time.Millisecond))
	asking, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	var took []float64
	var failed error
	running.Go(func() {
		for asking.Err() == nil {
			d, err := ask(asking, "service", "bench")
			if err != nil {
				if asking.Err() == nil {
					failed = err
				}
				return
			}
			took = append(took, milliseconds(d))
		}
	})
	r, err := b.load(ctx)
	stop()
	running.Wait()
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	of := quantilesOf(took)
	row(out, "what-if over everything, all checks, p50 / p99", "%.0f / %.0f ms, %d in a row", of.p50, of.p99, len(took))
	row(out, "results stored meanwhile", "%.0f/s", r.rate)
	row(out, "missed meanwhile", "%.2f %%", 100*r.missed)
	row(out, "schedule error p50 / p99 meanwhile", "%.1f / %.1f ms", r.delay.p50, r.delay.p99)
	return nil
}
