package readmodel

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// smallTimeline has blocks that are soon full.
func smallTimeline() Projection {
	t := newTimeline()
	t.perBlock = 3
	return t
}

// TestTheBoardAtAnInstantIsTheFoldOfTheEventsUpToIt compares every part of a moment with a board of the
// domain that has folded the events up to then, for random instants of random histories.
func TestTheBoardAtAnInstantIsTheFoldOfTheEventsUpToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := randomHistory(t, 80, []time.Duration{0, 0, time.Second, time.Minute, 5 * time.Hour})
		r := stored(t, log, smallTimeline)
		for range 5 {
			at := log[rapid.IntRange(0, len(log)-1).Draw(t, "event")].Time
			at = at.Add(rapid.SampledFrom([]time.Duration{-time.Nanosecond, 0, time.Nanosecond, time.Hour}).Draw(t, "beside"))
			board, ended := monitor.NewBoard(), make(map[string]monitor.Incident)
			for _, m := range log {
				if m.Time.After(at) {
					break
				}
				board.Evolve(m)
				if e, ok := m.Event.(monitor.IncidentResolved); ok {
					ended[e.IncidentID] = monitor.Incident{ID: e.IncidentID, ResolvedAt: e.ResolvedAt, Resolution: e.Resolution}
				}
			}
			m, err := r.At(context.Background(), at, true)
			require.NoError(t, err)
			requireSameBoard(t, board, m)
			incidents, err := m.Incidents(context.Background(), IncidentQuery{Limit: 1000})
			require.NoError(t, err)
			require.Equal(t, len(board.OpenIncidents())+len(ended), incidents.Total)
			for _, i := range incidents.Items {
				if !i.Open() {
					require.Equal(t, ended[i.ID].ResolvedAt, i.ResolvedAt)
					continue
				}
				require.Contains(t, board.OpenIncidents(), i.Incident)
			}
		}
	})
}

func requireSameBoard(t require.TestingT, board *monitor.Board, m *Moment) {
	ctx := context.Background()
	page, err := m.Checks(ctx, Query{})
	require.NoError(t, err)
	checks := make([]monitor.Check, len(page.Items))
	for i, view := range page.Items {
		checks[i] = view.Check
		one, err := m.Check(ctx, view.ID)
		require.NoError(t, err)
		require.Equal(t, view.Check, one.Check)
	}
	want := board.Checks()
	require.Len(t, checks, len(want))
	for i := range want {
		if checks[i].DecidedAt == (monitor.Position{}) {
			want[i].DecidedAt = monitor.Position{} // the board remembers that of a check that was deleted and is there again
		}
	}
	require.Equal(t, want, checks)
	services, err := m.Services(ctx, Query{})
	require.NoError(t, err)
	require.Len(t, services.Items, len(board.Services()))
	overview, err := m.Overview(ctx)
	require.NoError(t, err)
	require.Equal(t, len(board.OpenIncidents()), overview.Incidents)
	require.Equal(t, len(board.Runners()), overview.Runners)
	counted := make(map[monitor.Status]int)
	for i, s := range board.Services() {
		require.Equal(t, s, services.Items[i].Service)
		var ids []string
		for _, c := range board.ChecksOf(s.ID) {
			ids = append(ids, c.ID)
		}
		require.Len(t, services.Items[i].Checks, len(ids))
		require.Subset(t, services.Items[i].Checks, ids)
		counted[s.Status]++
	}
	require.Equal(t, counted, overview.Services)
}

func TestAMomentBeforeTheFirstEventIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := randomHistory(t, 5, []time.Duration{time.Second})
		r := stored(t, log, smallTimeline)
		m, err := r.At(context.Background(), epoch().Add(-time.Second), true)
		require.NoError(t, err)
		page, err := m.Checks(context.Background(), Query{})
		require.NoError(t, err)
		require.Empty(t, page.Items)
		_, err = m.Check(context.Background(), "a")
		require.ErrorIs(t, err, monitor.ErrNotFound)
		_, err = m.Service(context.Background(), "web")
		require.ErrorIs(t, err, monitor.ErrNotFound)
	})
}

// TestAStandingIsAllOfACheckButItsDefinition fails when a field of a check is forgotten here.
func TestAStandingIsAllOfACheckButItsDefinition(t *testing.T) {
	kept := map[string]bool{"Definition": true}
	for field := range reflect.TypeFor[standing]().Fields() {
		kept[field.Name] = true
	}
	for field := range reflect.TypeFor[monitor.Check]().Fields() {
		require.True(t, kept[field.Name], field.Name)
	}
}

func TestInATimelineWhatIsFullIsNeverWrittenAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := randomHistory(t, 80, []time.Duration{time.Second})
		fold, kept := smallTimeline(), shelf{}
		for _, m := range log {
			fold.Apply(m)
			for _, c := range fold.Dirty() {
				if _, there := kept[c.Key]; there && c.Key[:len(blockPrefix)] == blockPrefix {
					require.Equal(t, kept[c.Key], c.Value)
				}
				kept.write([]Change{c})
			}
		}
		for _, key := range slices.Sorted(maps.Keys(kept)) {
			if b, err := readBlock(kept[key]); err == nil {
				require.LessOrEqual(t, b.Base, b.Number*b.Steps+5)
			}
		}
	})
}

func TestTheHistogramCountsWhatTheBoardShowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := randomHistory(t, 60, []time.Duration{0, time.Second, 40 * time.Second, 10 * time.Minute, 90 * time.Minute, 30 * time.Hour, 40 * 24 * time.Hour})
		r := stored(t, log, func() Projection { return newCounts() })
		for range 5 {
			from := log[rapid.IntRange(0, len(log)-1).Draw(t, "from")].Time.Add(-time.Duration(rapid.IntRange(0, 5000).Draw(t, "before")) * time.Second)
			step := rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, time.Hour, 3 * time.Hour, 24 * time.Hour}).Draw(t, "step")
			to := from.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "steps"))*step + rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "cut"))
			h, err := r.History(context.Background(), from, to, step)
			require.NoError(t, err)
			require.Equal(t, to, h.Items[len(h.Items)-1].At)
			require.False(t, h.From.After(from))
			require.Equal(t, expected(log, h.From, h.Items), h.Items, "from %s to %s by %s", from, to, step)
		}
	})
}

// expected folds the events whose minutes began before the end of each bucket.
func expected(log []monitor.EventMessage, from time.Time, ends []HistoryBucket) []HistoryBucket {
	var all []HistoryBucket
	board := monitor.NewBoard()
	for _, end := range ends {
		var b HistoryBucket
		seen := make(map[monitor.Status]bool)
		look := func() {
			b = HistoryBucket{At: end.At, IncidentsOpened: b.IncidentsOpened, IncidentsOpen: len(board.OpenIncidents())}
			places := []*int{&b.Down, &b.Degraded, &b.Up, &b.Unknown, &b.Maintenance, &b.Paused}
			for _, c := range board.Checks() {
				*places[slices.Index(monitor.Statuses(), c.Status)]++
				seen[c.Status] = true
			}
		}
		look()
		for _, m := range log {
			minute := m.Time.Truncate(time.Minute)
			if m.Sequence <= board.Sequence() || !minute.Before(end.At) {
				continue
			}
			board.Evolve(m)
			if minute.Before(from) {
				seen = make(map[monitor.Status]bool)
			} else if _, opened := m.Event.(monitor.IncidentOpened); opened {
				b.IncidentsOpened++
			}
			look()
		}
		for _, s := range monitor.Statuses() {
			if b.Worst == "" && seen[s] {
				b.Worst = s
			}
		}
		all = append(all, b)
	}
	return all
}

func TestAHistogramHasBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := time.Duration(rapid.IntRange(1, 400*24*60).Draw(t, "minutes")) * time.Minute
		step := StepFor(span)
		require.LessOrEqual(t, int(span/step), 240, "%s by %s", span, step)
		require.Zero(t, step%time.Minute)
	})
	r := NewReader(nil, nil, time.Now)
	for _, step := range []time.Duration{0, time.Second, 90 * time.Second, -time.Minute, time.Minute} {
		_, err := r.History(t.Context(), epoch(), epoch().Add(60*24*time.Hour), step)
		require.ErrorIs(t, err, ErrQuery)
	}
	_, err := r.History(t.Context(), epoch(), epoch(), time.Hour)
	require.ErrorIs(t, err, ErrQuery)
}

func FuzzReadBlock(f *testing.F) {
	b := newBlock("check-1", 2, epoch(), []step{{id: "a", sequence: 1, at: epoch(), definition: []byte("{}"), body: []byte("{}")}})
	b.add(step{id: "b", sequence: 2, at: epoch(), gone: true})
	f.Add(b.bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := readBlock(raw)
		if err != nil {
			return
		}
		if err := b.each(func(step) bool { return true }); err == nil {
			require.NotEmpty(t, b.Page)
		}
	})
}

func FuzzReadCounts(f *testing.F) {
	f.Add(writeCounts([]count{{At: 5, By: [statusCount]uint32{1, 2}}, {At: 9, Opened: 3}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := readCounts(raw)
		if err != nil {
			return
		}
		again, err := readCounts(writeCounts(all))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(all), fmt.Sprint(again))
	})
}
