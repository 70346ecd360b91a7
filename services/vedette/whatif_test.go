package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/pkg/replay/answer"
	"github.com/vedette/vedette/services/decider"
)

// TestWhatIfNothingWereChangedIsWhatTheDeciderDecided lets a real decider work through a random
// hour, and replays it: the same decisions, whatever part of the hour is asked about.
func TestWhatIfNothingWereChangedIsWhatTheDeciderDecided(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replayRandomHour(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

func replayRandomHour(t *testing.T, r *rand.Rand) {
	t.Helper()
	table, err := kinds.Table()
	require.NoError(t, err)
	memory := bus.NewMemory()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- decider.Run(ctx, memory, decider.Options{Validator: table, Registerer: prometheus.NewRegistry()})
	}()
	h := hour{t: t, r: r, memory: memory, begun: time.Now()}
	h.live()
	end := time.Now()
	stop()
	require.NoError(t, <-done)

	opened := 0
	for range 20 {
		from := h.begun.Add(time.Duration(r.IntN(3000))*time.Second + 600*time.Millisecond)
		q := replay.Question{Service: "web", From: from, To: from.Add(time.Duration(1+r.IntN(int(end.Sub(from)/time.Second)-1)) * time.Second)}
		report, err := answer.WhatIf(t.Context(), memory, q, table.Assessor(t.Context()), answer.Options{Share: 1})
		require.NoError(t, err)
		if unsettled(report) {
			continue // the results before do not tell how it began
		}
		require.True(t, report.Faithful, "%s to %s: %+v", q.From, q.To, report.Deviating)
		require.Equal(t, report.Happened.Incidents, report.Would.Incidents)
		require.Equal(t, report.Happened.Alerts, report.Would.Alerts)
		require.Equal(t, report.Happened.StatusChanges, report.Would.StatusChanges)
		require.InDelta(t, report.Happened.DownMS, report.Would.DownMS, 500)
		for _, d := range report.Incidents {
			require.Equal(t, replay.Kept, d.Kind)
		}
		opened += report.Happened.Incidents
	}
	require.Positive(t, opened, "an hour without incidents proves nothing")
}

func unsettled(r replay.Report) bool {
	for _, c := range r.Checks {
		if c.Unsettled {
			return true
		}
	}
	return false
}

// hour is a random hour in the life of three checks.
type hour struct {
	t      *testing.T
	r      *rand.Rand
	memory *bus.Memory
	begun  time.Time
	n      int
}

func (h *hour) live() {
	h.send(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	ids := []string{"a", "b", "c"}
	for _, id := range ids {
		h.send(monitor.RegisterCheck{Definition: h.definition(id)})
	}
	down := map[string]bool{}
	silent := map[string]bool{}
	for time.Since(h.begun) < time.Hour {
		time.Sleep(10 * time.Second)
		id := ids[h.r.IntN(len(ids))]
		switch h.r.IntN(30) {
		case 0:
			silent[id] = !silent[id]
		case 1:
			h.send(monitor.UpdateCheck{Definition: h.definition(id)})
		case 2:
			h.send(monitor.PauseCheck{CheckID: id})
		case 3:
			h.send(monitor.ResumeCheck{CheckID: id})
			silent[id] = false
		case 4, 5, 6:
			down[id] = !down[id]
		}
		time.Sleep(time.Second) // the decider looks for silences every 250 ms
		for _, id := range ids {
			if !silent[id] {
				h.found(id, []string{"here", "there"}[h.r.IntN(2)], down[id])
			}
		}
	}
}

func (h *hour) definition(id string) monitor.Definition {
	d := monitor.Definition{
		ID: id, Service: "web", Kind: "http", Target: "https://example.org/", Interval: monitor.Duration(20 * time.Second), Timeout: monitor.Duration(7500 * time.Millisecond),
		FailureThreshold: 1 + h.r.IntN(3), SuccessThreshold: 1 + h.r.IntN(2), Locations: []string{"here", "there"},
	}
	if id == "a" {
		d.Locations = []string{"here"}
	}
	d.Quorum = 1 + h.r.IntN(len(d.Locations))
	return d
}

func (h *hour) send(c monitor.Command) {
	h.n++
	_, err := h.memory.Send(h.t.Context(), monitor.CommandMessage{Meta: monitor.Meta{ID: fmt.Sprint("command-", h.n), Time: time.Now()}, Command: c})
	require.NoError(h.t, err)
}

func (h *hour) found(id, location string, down bool) {
	h.n++
	time.Sleep(time.Millisecond)
	due := time.Now().Add(-200 * time.Millisecond)
	r := monitor.Result{ID: fmt.Sprint("result-", h.n), CheckID: id, Service: "web", Location: location, DueAt: due, StartedAt: due, DurationMS: 150, Outcome: monitor.OutcomeSuccess, Attempts: 1}
	if down {
		r.Outcome, r.Error = monitor.OutcomeFailure, "status 503"
	}
	_, err := h.memory.AppendResults(h.t.Context(), location, []monitor.EventMessage{{Meta: monitor.Meta{ID: r.ID, Time: time.Now()}, Event: monitor.Executed(r)}})
	require.NoError(h.t, err)
}
