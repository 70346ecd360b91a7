package readmodel

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestAPageFitsAMessageHoweverLargeTheResults(t *testing.T) {
	a := newActivity()
	noise := make([]byte, 15<<10)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range pageSize {
		for k := range noise {
			noise[k] = byte('a' + source.IntN(26))
		}
		r := monitor.Result{
			ID: fmt.Sprint(i), CheckID: fmt.Sprint("c", i), Location: "north", DueAt: epoch(), Outcome: failure, Error: string(noise[:5000]),
			Observed: map[string]any{"body": string(noise)}, Assertions: []monitor.AssertionResult{{Expression: string(noise[:5000])}},
		}
		a.Apply(monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(i + 1)}})
	}
	changes := a.Dirty()
	require.Less(t, len(changes[len(changes)-1].Value), 1<<20)
	require.NotEmpty(t, a.byCheck["c0"].Last)
}

func TestPagesFillUpAndSilentChecksLeave(t *testing.T) {
	w := &told{}
	for i := range 2*pageSize + 1 {
		w.add(0, success, func(r *monitor.Result) { r.CheckID = fmt.Sprint("c", i) })
	}
	w.add(forgottenAfter+2*time.Hour, success, func(r *monitor.Result) { r.CheckID = "c7" })
	a, kept := newActivity(), shelf{}
	for _, m := range w.log[:len(w.log)-1] {
		a.Apply(m)
	}
	kept.write(a.Dirty())
	require.Len(t, kept, 3)
	a.Apply(w.log[len(w.log)-1])
	require.Len(t, a.byCheck, 1, "but for the one that is heard of")
	kept.write(a.Dirty())
	lines := 0
	for key, value := range kept {
		some, err := readPage(value)
		require.NoError(t, err, key)
		lines += len(some)
	}
	require.Equal(t, 1, lines)
	again := newActivity()
	require.NoError(t, again.Restore(kept.needed(again)))
	require.Len(t, again.byCheck, 1)
}

func TestDaysAndSpansGoRound(t *testing.T) {
	a, kept := newActivity(), shelf{}
	w := &told{}
	for day := range 250 {
		for hour := range 3 {
			w.add(time.Duration(day*24+hour)*time.Hour, success, func(r *monitor.Result) { r.NextDueAt = r.DueAt.Add(time.Hour) }, revisedBy(day))
		}
	}
	for _, m := range w.log {
		a.Apply(m)
		kept.write(a.Dirty())
	}
	days, spans := 0, 0
	for key := range kept {
		switch {
		case strings.HasPrefix(key, dayPrefix):
			days++
		case strings.HasPrefix(key, spanPrefix):
			spans++
		}
	}
	require.Equal(t, daySlots, days)
	require.Equal(t, spanSlots, spans)
	today, err := readToday(kept["today.home"])
	require.NoError(t, err)
	number := floorDiv(today.Days[0].At, spanDays) - 1
	past, err := readPast(kept[spanKey("home", number)], number)
	require.NoError(t, err)
	require.Len(t, past.Parts, spanDays)
	for _, d := range past.Parts {
		require.EqualValues(t, 3, d.Up)
	}
	none, err := readPast(kept[spanKey("home", number)], number+spanSlots)
	require.NoError(t, err)
	require.Nil(t, none, "the slot holds another one")
}

func revisedBy(n int) func(*monitor.Result) {
	return func(r *monitor.Result) { r.Revision = uint64(n) }
}

func FuzzPage(f *testing.F) {
	a := newActivity()
	w := &told{}
	w.add(0, success)
	w.add(every, failure)
	for _, m := range w.log {
		a.Apply(m)
	}
	f.Add(a.Dirty()[0].Value)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, err := readPage(raw)
		if err != nil {
			return
		}
		for _, line := range lines {
			p, err := readPulse(line)
			if err != nil {
				continue
			}
			_ = newLatencies().merge(p.Sketch)
			p.dayUptime(home(), epoch(), sight{})
			p.latency()
		}
	})
}
