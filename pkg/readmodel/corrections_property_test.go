package readmodel

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// looked are results of check home at two locations over weeks, at minutes of all kinds, with repeats
// and pauses.
func looked(t *rapid.T) []monitor.EventMessage {
	interval := rapid.SampledFrom([]time.Duration{20 * time.Second, 90 * time.Second, 7 * time.Minute, 61 * time.Minute}).Draw(t, "interval")
	due := epoch().Add(rapid.SampledFrom([]time.Duration{0, 17 * time.Second, 47 * time.Minute}).Draw(t, "splay"))
	var log []monitor.EventMessage
	for range rapid.IntRange(1, 150).Draw(t, "due") {
		due = due.Add(interval)
		if rapid.IntRange(0, 11).Draw(t, "pause") == 0 {
			due = due.Add(interval * time.Duration(rapid.IntRange(1, int(7*24*time.Hour/interval)).Draw(t, "long")))
		}
		for i, location := range []string{"north", "south"} {
			r := monitor.Result{
				ID: fmt.Sprint(len(log)), CheckID: "home", Revision: 1, Location: location, DueAt: due, StartedAt: due, NextDueAt: due.Add(interval), Attempts: 1,
				DurationMS: 5, Outcome: rapid.SampledFrom(monitor.Outcomes()).Draw(t, "outcome"),
				Trigger: rapid.SampledFrom([]monitor.Trigger{monitor.TriggerSchedule, monitor.TriggerSchedule, monitor.TriggerManual}).Draw(t, "trigger"),
			}
			stored := due.Add(time.Duration(i+1) * time.Second)
			log = append(log, monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(len(log) + 1), Time: stored, StoredAt: stored}})
		}
	}
	return log
}

// mended are a check of a service and corrections of both, some of them withdrawn, in any order.
func mended(t *rapid.T, results []monitor.EventMessage) []monitor.EventMessage {
	first, last := results[0].Time.Truncate(time.Minute), results[len(results)-1].Time
	events := []monitor.Event{service("web"), registered("home", func(d *monitor.Definition) { d.Locations = []string{"north", "south"} })}
	var standing []string
	for n := range rapid.IntRange(0, 8).Draw(t, "corrections") {
		if len(standing) > 0 && rapid.IntRange(0, 2).Draw(t, "withdraw") == 0 {
			i := rapid.IntRange(0, len(standing)-1).Draw(t, "which")
			events = append(events, monitor.CorrectionWithdrawn{CorrectionID: standing[i], Reason: "it was not"})
			standing = slices.Delete(standing, i, i+1)
			continue
		}
		d := monitor.CorrectionDefinition{ID: fmt.Sprint("c", n), Kind: rapid.SampledFrom(monitor.CorrectionKinds()).Draw(t, "kind"), Reason: "it was"}
		d.From = first.Add(time.Duration(rapid.IntRange(-5, int(last.Sub(first)/time.Minute)).Draw(t, "from")) * time.Minute)
		d.To = d.From.Add(time.Duration(rapid.SampledFrom([]int{1, 10, 60, 100, 24 * 60, 5 * 24 * 60}).Draw(t, "minutes")) * time.Minute)
		switch rapid.IntRange(0, 5).Draw(t, "subject") {
		case 0:
			d.Check = "other"
		case 1, 2:
			d.Service = "web"
		default:
			d.Check = "home"
		}
		events, standing = append(events, monitor.CorrectionAdded{Definition: d}), append(standing, d.ID)
	}
	log := make([]monitor.EventMessage, len(events))
	for i, e := range events { // all is said when all is over, but for what makes the check
		at := last.Add(time.Duration(i) * time.Hour)
		if i < 2 {
			at = first.Add(-time.Hour)
		}
		log[i] = monitor.EventMessage{Event: e, Meta: monitor.Meta{Sequence: uint64(i + 1), Time: at, Revision: 1}}
	}
	return log
}

// oracle counts every execution in a window by itself, as the page about corrections says.
func oracle(results, events []monitor.EventMessage, now time.Time, since func(due time.Time) bool) (found, counts Uptime) {
	ruling := func(due time.Time) monitor.CorrectionKind {
		withdrawn := make(map[string]bool)
		for _, m := range slices.Backward(events) {
			if m.Time.After(now) {
				continue
			}
			switch e := m.Event.(type) {
			case monitor.CorrectionWithdrawn:
				withdrawn[e.CorrectionID] = true
			case monitor.CorrectionAdded:
				d := e.Definition
				if (d.Check == "home" || d.Service == "web") && !withdrawn[d.ID] && !due.Before(d.From) && due.Before(d.To) {
					return d.Kind
				}
			default:
			}
		}
		return ""
	}
	last := make(map[string]time.Time)
	for _, m := range results {
		r, _ := monitor.ResultOf(m.Event)
		if m.StoredAt.After(now) || !r.DueAt.After(last[r.Location]) {
			continue
		}
		last[r.Location] = r.DueAt
		if !r.Trigger.Expected() || r.Outcome == broken || !since(r.DueAt) {
			continue
		}
		outcome := r.Outcome
		tell(&found, outcome)
		switch ruling(r.DueAt) {
		case monitor.CorrectionMaintenance:
			continue
		case monitor.CorrectionFalsePositive:
			outcome = success
		}
		tell(&counts, outcome)
	}
	return found, counts
}

func tell(u *Uptime, o monitor.Outcome) {
	switch o {
	case success:
		u.Up++
	case degraded:
		u.Degraded++
	case failure:
		u.Down++
	default:
	}
}

// requireCorrected compares an uptime with the oracle's.
func requireCorrected(t require.TestingT, found, counts, have Uptime, says string) {
	require.Equal(t, [3]int{counts.Up, counts.Degraded, counts.Down}, [3]int{have.Up, have.Degraded, have.Down}, says)
	if total := counts.Up + counts.Degraded + counts.Down; total == 0 {
		require.Nil(t, have.Ratio, says)
	} else {
		require.InDelta(t, float64(counts.Up+counts.Degraded)/float64(total), *have.Ratio, 1e-12, says)
	}
	original := Corrected{Up: have.Up, Degraded: have.Degraded, Down: have.Down}
	if have.Corrected != nil {
		original = *have.Corrected
		require.NotEmpty(t, original.By)
	}
	require.Equal(t, [3]int{found.Up, found.Degraded, found.Down}, [3]int{original.Up, original.Degraded, original.Down}, "%s as it was found", says)
	require.Equal(t, found.Up+found.Degraded+found.Down, counts.Up+counts.Degraded+counts.Down+original.Maintenance, says)
}

func windows(now time.Time) map[string]func(time.Time) bool {
	all := map[string]func(time.Time) bool{window24h: func(due time.Time) bool { return hourOf(due) > hourOf(now)-keptHours }}
	for name, days := range windowDays() {
		all[name] = func(due time.Time) bool { return dayOf(hourOf(due)) >= dayOf(hourOf(now))-days }
	}
	return all
}

func TestCorrectedUptimeIsThatOfEveryExecutionByItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		results := looked(t)
		events := mended(t, results)
		now := results[len(results)-1].StoredAt.Add(time.Duration(len(events)+rapid.IntRange(0, 30*24).Draw(t, "hours")) * time.Hour)
		if rapid.Bool().Draw(t, "at once") {
			now = results[len(results)-1].StoredAt.Add(24 * time.Hour)
			for i := range events[2:] {
				events[2+i].Time = now
			}
		}
		r := readerAt(t, now, events, results)
		view, err := r.Check(context.Background(), "home")
		require.NoError(t, err)
		for name, since := range windows(now) {
			found, counts := oracle(results, events, now, since)
			requireCorrected(t, found, counts, view.Uptime[name], name)
		}
		list, err := r.Checks(context.Background(), Query{})
		require.NoError(t, err)
		require.Equal(t, view.Uptime[window24h], list.Items[0].Uptime[window24h], "a list shows the same")
		board, err := r.Board(context.Background())
		require.NoError(t, err)
		require.Equal(t, view.Uptime[window24h].Corrected != nil, board.Checks[0].Corrected)
		days, err := r.Days(context.Background(), "home", 90, now)
		require.NoError(t, err)
		for _, day := range days {
			found, counts := oracle(results, events, now, func(due time.Time) bool { return due.UTC().Truncate(24 * time.Hour).Equal(day.Day) })
			requireCorrected(t, found, counts, day.Uptime, day.Day.String())
		}

		// Withdrawing all is as if none had ever been.
		all := slices.Clone(events)
		for i, m := range events {
			if added, ok := m.Event.(monitor.CorrectionAdded); ok {
				m.Sequence, m.Event = uint64(len(events)+i+1), monitor.CorrectionWithdrawn{CorrectionID: added.Definition.ID, Reason: "all"}
				all = append(all, m)
			}
		}
		never := readerAt(t, now, events[:2], results)
		want, err := never.Check(context.Background(), "home")
		require.NoError(t, err)
		after, err := readerAt(t, now, all, results).Check(context.Background(), "home")
		require.NoError(t, err)
		require.Equal(t, want, after)
		bars, err := never.Days(context.Background(), "home", 90, now)
		require.NoError(t, err)
		for i, day := range bars {
			require.Equal(t, day.Coverage, days[i].Coverage, "coverage is not corrected")
			require.Equal(t, day.Expected, days[i].Expected)
		}
	})
}

func TestThePastHasTheCorrectionsThatStoodThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		results := looked(t)
		events := mended(t, results)
		at := events[rapid.IntRange(0, len(events)-1).Draw(t, "event")].Time.Add(rapid.SampledFrom([]time.Duration{-1, 0, time.Minute}).Draw(t, "beside"))
		if at.Before(events[1].Time) {
			at = events[1].Time
		}
		r := readerAt(t, events[len(events)-1].Time.Add(time.Hour), events, results)
		m, err := r.At(context.Background(), at, true)
		require.NoError(t, err)
		view, err := m.Check(context.Background(), "home")
		require.NoError(t, err)
		for name, since := range windows(at) {
			have, there := view.Uptime[name]
			if !there {
				continue // not all of it is kept
			}
			found, counts := oracle(results, events, at, since)
			requireCorrected(t, found, counts, have, fmt.Sprint(name, " at ", at))
		}
		list, err := m.Checks(context.Background(), Query{})
		require.NoError(t, err)
		if have, there := list.Items[0].Uptime[window24h]; there {
			require.Equal(t, view.Uptime[window24h], have)
		}
	})
}
