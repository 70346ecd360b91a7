package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// probeEvery is the time between two questions to the API: they are asked at their time, whether or not
// those before have been answered, so that one that is slow hides no other.
const probeEvery = 20 * time.Millisecond

// probes ask the API and judge what it answers: of the past, whether it is byte for byte what it was
// when the probes were made; of the present, whether what is counted is what must have come by then.
type probes struct {
	b *bench
	// past are answers by path that never change. first are the due times at which checks began.
	past  map[string][]byte
	paths []string
	first map[int]time.Time

	mu    sync.Mutex
	took  []float64
	wrong []string
	asked int
}

// pastAfter is after what time a moment counts as past: what happened by then has arrived everywhere.
const pastAfter = 10 * time.Second

// probed is how many of the checks are asked about.
const probed = 40

func (b *bench) newProbes(ctx context.Context) (*probes, error) {
	p := &probes{b: b, past: make(map[string][]byte), first: make(map[int]time.Time)}
	at := time.Now().Add(-pastAfter).UTC().Format(time.RFC3339)
	p.paths = []string{"/api/v1/overview?at=" + at, "/api/v1/services?at=" + at}
	for i := 0; i < b.checks; i += max(1, b.checks/probed) {
		var page struct {
			Items []monitor.Result `json:"items"`
		}
		if err := b.program.get(ctx, fmt.Sprintf("/api/v1/checks/bench-%d/results?limit=1000", i), &page); err != nil {
			return nil, err
		}
		if len(page.Items) == 0 {
			return nil, fmt.Errorf("bench-%d has no results: see the program's log", i)
		}
		p.first[i] = page.Items[len(page.Items)-1].DueAt
		p.paths = append(p.paths, fmt.Sprintf("/api/v1/checks/bench-%d/results?limit=20&to=%s", i, at))
	}
	for _, path := range p.paths {
		_, body, err := p.ask(ctx, path, time.Now())
		if err != nil {
			return nil, err
		}
		p.past[path] = body
	}
	return p, nil
}

// run asks until ctx ends, and returns how long the answers took.
func (p *probes) run(ctx context.Context) quantiles {
	p.took = nil
	var asking sync.WaitGroup
	due := time.NewTicker(probeEvery)
	defer due.Stop()
	present := make([]int, 0, len(p.first))
	for i := range p.first {
		present = append(present, i)
	}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			asking.Wait()
			return quantilesOf(p.took)
		case at := <-due.C:
			asking.Go(func() {
				// What is under way at the end is waited for.
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
				defer cancel()
				if n%2 == 0 {
					p.askPresent(ctx, present[n/2%len(present)], at)
				} else {
					p.askPast(ctx, p.paths[n/2%len(p.paths)], at)
				}
			})
		}
	}
}

func (p *probes) askPast(ctx context.Context, path string, due time.Time) {
	took, body, err := p.ask(ctx, path, due)
	switch {
	case err != nil:
		p.note(took, err.Error())
	case !bytes.Equal(body, p.past[path]):
		p.note(took, fmt.Sprintf("GET %s: %.300s, was %.300s", path, body, p.past[path]))
	default:
		p.note(took, "")
	}
}

// askPresent asks for a check, of which as many executions must be counted as lie between its first and
// its last due time, and the last of which must not be old.
func (p *probes) askPresent(ctx context.Context, i int, due time.Time) {
	path := fmt.Sprintf("/api/v1/checks/bench-%d", i)
	took, body, err := p.ask(ctx, path, due)
	if err != nil {
		p.note(took, err.Error())
		return
	}
	p.note(took, p.judge(path, body, p.first[i]))
}

// note takes down how long an answer took, and what was wrong with it.
func (p *probes) note(took time.Duration, wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	p.took = append(p.took, milliseconds(took))
	if wrong != "" {
		p.wrong = append(p.wrong, wrong)
	}
}

// ask returns an answer and how long after its due time it was there.
func (p *probes) ask(ctx context.Context, path string, due time.Time) (time.Duration, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.b.program.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Since(due), nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", path, response.Status, body)
	}
	return time.Since(due), body, err
}
