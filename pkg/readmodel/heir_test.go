package readmodel

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// inherit takes a shelf over into a new one, for a log that begins with a message.
func inherit(t require.TestingT, name string, old shelf, first monitor.EventMessage) (Projection, shelf) {
	heir, s := fresh(name).(Heir), shelf{}
	for _, pattern := range heir.Heirlooms() {
		prefix, _, _ := strings.Cut(pattern, "*")
		for _, key := range slices.Sorted(maps.Keys(old)) {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			changes, err := heir.Inherit(bus.Entry{Key: key, Value: slices.Clone(old[key])}, Beginning{First: first.Sequence, At: first.StoredAt})
			require.NoError(t, err)
			s.write(changes)
		}
	}
	s.write(heir.Dirty())
	return heir, s
}

// chronicle is a log of some checks over days: some by the minute, one by the hour, one that stops,
// and one that begins late; with gaps, as when nobody looked.
func chronicle(rt *rapid.T, days int) []monitor.EventMessage {
	type looked struct {
		id       string
		every    time.Duration
		from, to time.Duration
	}
	long := time.Duration(days) * 24 * time.Hour
	ends := time.Duration(rapid.IntRange(1, days*24-1).Draw(rt, "ends")) * time.Hour
	begins := time.Duration(rapid.IntRange(1, days*24-1).Draw(rt, "begins")) * time.Hour
	checks := []looked{{"often", 20 * time.Minute, 0, long}, {"hourly", time.Hour, 0, long}, {"ended", 30 * time.Minute, 0, ends}, {"late", 25 * time.Minute, begins, long}}
	gap := time.Duration(rapid.IntRange(0, days*24).Draw(rt, "gap")) * time.Hour
	var log []monitor.EventMessage
	for _, c := range checks {
		n := 0
		for at := c.from; at < c.to; at += c.every {
			if at > gap && at < gap+3*time.Hour {
				continue
			}
			n++
			due := epoch().Add(at)
			r := monitor.Result{
				CheckID: c.id, Service: "web", Revision: 1, Location: "default", DueAt: due, StartedAt: due, NextDueAt: due.Add(c.every),
				DurationMS: float64(n%17) + 1, Outcome: monitor.Outcomes()[(n*n)%4], Attempts: 1, Trigger: monitor.TriggerSchedule,
				ID: fmt.Sprint(c.id, ".", n),
			}
			log = append(log, monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{ID: r.ID, Time: due, StoredAt: due.Add(time.Second)}})
		}
	}
	slices.SortStableFunc(log, func(x, y monitor.EventMessage) int { return x.StoredAt.Compare(y.StoredAt) })
	for i := range log {
		log[i].Sequence = uint64(i + 1)
	}
	return log
}

func TestTheNextGenerationHoldsWhatTheLogNoLongerDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		log := chronicle(rt, rapid.SampledFrom([]int{8, 14}).Draw(rt, "days"))
		// What is kept of the last results and hours needs some to become the same.
		wash := len(log) - 600
		first := rapid.IntRange(1, wash-1).Draw(rt, "first")
		seen := rapid.IntRange(first, wash).Draw(rt, "seen")
		for _, name := range []string{activityBucket, historyBucket} {
			old := once(name, log[:seen])
			p, s := inherit(rt, name, old, log[first])
			for i := first; i < len(log); i++ {
				if rapid.IntRange(0, 400).Draw(rt, "killed") == 0 {
					s.write(p.Dirty())
					p = fresh(name)
					require.NoError(rt, p.Restore(s.needed(p)))
				}
				p.Apply(log[i])
			}
			s.write(p.Dirty())
			want := once(name, log)
			require.Equal(rt, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(s)), name)
			for key, value := range want {
				require.Equal(rt, lines(key, value), lines(key, s[key]), "%s %s", name, key)
			}
		}
	})
}

func TestACheckOfWhichTheLogHoldsNothingIsKeptAsItWas(t *testing.T) {
	log := rapid.Custom(func(rt *rapid.T) []monitor.EventMessage { return chronicle(rt, 14) }).Example(1)
	for _, name := range []string{activityBucket, historyBucket} {
		old := once(name, log)
		last := log[len(log)-1]
		last.Sequence++
		p, s := inherit(t, name, old, last)
		require.Empty(t, p.Dirty())
		require.Equal(t, old, s, name)
	}
}

// lines are the parts of a value, so that a difference shows which. By how many results repeats are
// known takes as many results to become the same.
func lines(key string, value []byte) []string {
	text := regexp.MustCompile(`"seen":\[[^]]*\]`).ReplaceAllString(string(legible(key, value)), "")
	return strings.SplitAfter(strings.ReplaceAll(text, "},", "},\n"), "\n")
}
