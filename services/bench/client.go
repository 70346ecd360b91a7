package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Registering thousands of checks keeps a busy server from deciding each in time: then it says so, and
// what was sent is sent again with the same key, so that it takes effect once.
const (
	postAttempts = 8
	firstPause   = 250 * time.Millisecond
)

// post sends a body and wants it to be created.
func (p *program) post(ctx context.Context, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	key := rand.Text()
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, 2*pause {
		again, err := p.postOnce(ctx, path, key, raw)
		if err == nil || !again || attempt == postAttempts {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// postOnce reports as well whether an error may be gone the next time.
func (p *program) postOnce(ctx context.Context, path, key string, raw []byte) (again bool, err error) {
	status, err := p.send(ctx, path, key, raw, http.StatusCreated)
	if status == 0 {
		return ctx.Err() == nil, err
	}
	busy := []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return slices.Contains(busy, status), err
}

// order sends a request without a body that is taken up and carried out later.
func (p *program) order(ctx context.Context, path string) error {
	_, err := p.send(ctx, path, rand.Text(), nil, http.StatusAccepted)
	return err
}

// send posts once, and wants a status. Without an answer status is 0.
func (p *program) send(ctx context.Context, path, key string, raw []byte, want int) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("POST %s: %s: %s", path, response.Status, answer)
	}
	return response.StatusCode, err
}

// get decodes what is at a path.
func (p *program) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, answer)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// metrics are the sums of the program's counters and gauges by name.
func (p *program) metrics(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	sums := make(map[string]float64, len(families))
	for name, family := range families {
		for _, m := range family.GetMetric() {
			sums[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sums, nil
}

// parallel calls do for 0 to n-1, sixteen at a time, and returns the first error.
func parallel(n int, do func(i int) error) error {
	next := make(chan int)
	var first error
	var once sync.Once
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	return first
}

// arrival is an event as it came in on the event stream.
type arrival struct {
	at   time.Time
	kind string
	data json.RawMessage
}

// stream follows the event stream until ctx ends. It closes open once nothing after that is missed.
func (p *program) stream(ctx context.Context, query string, open chan<- struct{}, arrivals chan<- arrival) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/api/v1/events/stream?"+query, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	close(open)
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		payload, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		at := time.Now()
		var event struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal([]byte(payload), &event); err != nil {
			return fmt.Errorf("read the event stream: %w", err)
		}
		select {
		case arrivals <- arrival{at, event.Type, event.Data}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
