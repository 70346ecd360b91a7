package readmodel

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// randomHistory is what a decider wrote: commands and verdicts at random, decided by the domain.
func randomHistory(t *rapid.T, steps int, pauses []time.Duration) []monitor.EventMessage {
	board, now := monitor.NewBoard(), epoch()
	var log []monitor.EventMessage
	write := func(events []monitor.Event) {
		for i, revision := range board.Revisions(events) {
			m := monitor.EventMessage{Event: events[i], Meta: monitor.Meta{Sequence: board.Sequence() + 1, Time: now, Revision: revision}}
			board.Evolve(m)
			log = append(log, m)
		}
	}
	decide := func(c monitor.Command) {
		if decision, err := board.Decide(monitor.CommandMessage{Command: c}, now); err == nil {
			write(decision.Events)
		}
	}
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	service := rapid.SampledFrom([]string{"web", "shop"})
	decide(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	for n := range rapid.IntRange(1, steps).Draw(t, "steps") {
		now = now.Add(rapid.SampledFrom(pauses).Draw(t, "pause"))
		check := id.Draw(t, "check")
		d := monitor.Definition{
			ID: check, Service: service.Draw(t, "service"), Kind: "http", Target: rapid.SampledFrom([]string{"https://x", "https://y"}).Draw(t, "target"),
			Paused: rapid.IntRange(0, 4).Draw(t, "paused") == 0,
		}
		switch rapid.IntRange(0, 19).Draw(t, "what") {
		case 0:
			decide(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "shop"}})
		case 1:
			decide(monitor.UpdateService{Definition: monitor.ServiceDefinition{ID: d.Service, Rollup: rapid.SampledFrom(monitor.Rollups()).Draw(t, "rollup")}})
		case 2:
			decide(monitor.DeleteService{ServiceID: "shop"})
		case 3, 4, 5:
			decide(monitor.RegisterCheck{Definition: d})
		case 6:
			decide(monitor.UpdateCheck{Definition: d})
		case 7:
			decide(rapid.SampledFrom([]monitor.Command{monitor.PauseCheck{CheckID: check}, monitor.ResumeCheck{CheckID: check}, monitor.DeleteCheck{CheckID: check}}).Draw(t, "command"))
		case 8:
			write([]monitor.Event{monitor.RunnerJoined{RunnerID: check, Location: "default", At: now}})
		case 9:
			write([]monitor.Event{monitor.RunnerLeft{RunnerID: check, Location: "default", At: now}})
		default:
			status := rapid.SampledFrom([]monitor.Status{monitor.StatusUp, monitor.StatusDown, monitor.StatusDegraded}).Draw(t, "status")
			write(board.Judge(check, monitor.Verdict{Status: status, At: now.Add(-time.Second), Reason: "because", Position: monitor.Position{Sequence: uint64(n + 1)}, ResultID: fmt.Sprint(n)}))
		}
	}
	return log
}

// stored folds a log as a projector does, with restarts in between, into a bucket, and returns a reader
// of it that follows nothing any more.
func stored(t *rapid.T, log []monitor.EventMessage, folds ...func() Projection) *Reader {
	memory := bus.NewMemory()
	for _, fresh := range folds {
		fold, kept := fresh(), shelf{}
		for _, m := range log {
			fold.Apply(m)
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0, 1, 2:
				kept.write(fold.Dirty())
			case 3:
				kept.write(fold.Dirty())
				fold = fresh()
				require.NoError(t, fold.Restore(kept.needed(fold)))
			}
		}
		kept.write(fold.Dirty())
		bucket, err := memory.Bucket(context.Background(), fold.Name())
		require.NoError(t, err)
		for key, value := range kept {
			require.NoError(t, bucket.Put(context.Background(), key, value))
		}
	}
	r := NewReader(memory, slog.New(slog.DiscardHandler), func() time.Time { return log[len(log)-1].Time.Add(time.Hour) })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-r.Ready()
	cancel()
	require.NoError(t, <-done)
	return r
}
