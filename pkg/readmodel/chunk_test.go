package readmodel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestAChunkIsReadAsItWasWritten(t *testing.T) {
	c := &chunk{chunkHeader: chunkHeader{Check: "home", Number: 3, First: 192}}
	for i := range 2*blockSize + 3 {
		c.add(monitor.Result{ID: fmt.Sprint(i), CheckID: "home", DueAt: epoch().Add(time.Duration(i) * every), Error: "line\nbreak"}, nil)
		read, err := readChunk(c.bytes())
		require.NoError(t, err)
		require.Equal(t, c.bytes(), read.bytes())
		results, err := read.results()
		require.NoError(t, err)
		require.Len(t, results, i+1)
		require.Equal(t, fmt.Sprint(i), results[i].ID)
		require.Equal(t, "line\nbreak", results[i].Error)
		require.True(t, read.Newest.Equal(results[i].DueAt))
	}
	raw := c.bytes()
	for cut := range raw {
		if read, err := readChunk(raw[:cut]); err == nil {
			results, err := read.results()
			require.True(t, err != nil || len(results)%blockSize == 0, "cut at %d: only between blocks is it not noticed", cut)
		}
	}
}

func TestLargeResultsFillAChunkSooner(t *testing.T) {
	h := newHistory()
	for i := range 60 {
		r := monitor.Result{ID: fmt.Sprint(i), CheckID: "home", Error: strings.Repeat("x", 15<<10)}
		h.Apply(monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(i + 1)}})
	}
	require.Equal(t, 3, h.open["home"].Number)
	require.Less(t, h.open["home"].Count, chunkSize)
	require.Equal(t, 60, h.open["home"].First+h.open["home"].Count)
}

func TestAResultIsKeptAsItStandsInTheLog(t *testing.T) {
	r := monitor.Result{ID: "home.1", CheckID: "home", Observed: map[string]any{"serial": 1e18}}
	line := []byte(`{"id":"home.1","check_id":"home","observed":{"serial":1000000000000000001}}`)
	first := monitor.EventMessage{Event: monitor.Executed(r), Line: line, Meta: monitor.Meta{Sequence: 5}}
	r.ID = "home.2"
	second := monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: 6}}
	kept := once("history", []monitor.EventMessage{first, second})
	heir, inherited := inherit(t, "history", kept, second)
	heir.Apply(second)
	inherited.write(heir.Dirty())
	for _, entries := range []shelf{kept, inherited} {
		c, err := readChunk(entries["open.home"])
		require.NoError(t, err)
		require.Equal(t, string(line)+"\n"+string(encode(r))+"\n", string(c.tail))
	}
}

func FuzzChunk(f *testing.F) {
	c := &chunk{chunkHeader: chunkHeader{Check: "home"}}
	for i := range blockSize + 1 {
		c.add(monitor.Result{ID: fmt.Sprint(i), CheckID: "home", DueAt: epoch()}, nil)
	}
	f.Add(c.bytes())
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readChunk(raw)
		if err != nil {
			return
		}
		if _, err := c.results(); err != nil {
			return
		}
		again, err := readChunk(c.bytes())
		require.NoError(t, err)
		require.Equal(t, c.Count, again.Count)
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(place{List: 7, Number: 3, Text: "home", ID: "home"}.cursor())
	f.Add("")
	f.Add("e30")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := placeOf(cursor, 7)
		if err != nil {
			require.ErrorIs(t, err, ErrCursor)
			return
		}
		if p == nil {
			require.Empty(t, cursor)
			return
		}
		again, err := placeOf(p.cursor(), 7)
		require.NoError(t, err)
		require.Zero(t, order{}.compare(*p, *again))
		for _, o := range []order{{}, {descending: true}} {
			s, err := newSelection[int](o, 7, 1, cursor)
			require.NoError(t, err)
			s.offer(*p, 1)
			require.Empty(t, pageFrom(s, func(i int) int { return i }).Items, "a page begins after its cursor")
		}
	})
}

func TestRanksFollowTheBoard(t *testing.T) {
	for i, s := range monitor.Statuses() {
		require.InDelta(t, i, rank(s), 0)
	}
}
