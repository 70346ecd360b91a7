package cloudevents

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/jsonscan"
	"github.com/vedette/vedette/pkg/monitor"
)

// byLibrary reads a batch by encoding/json alone, as anybody would.
func byLibrary(raw []byte) ([]monitor.EventMessage, error) {
	var batch []structured[json.RawMessage]
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, err
	}
	codec := New()
	events := make([]monitor.EventMessage, len(batch))
	for i, s := range batch {
		m, err := codec.destructure(s)
		if err != nil {
			return nil, err
		}
		m.Index = i
		events[i] = m
	}
	return events, nil
}

// anyObserved draws what an executor may have seen.
func anyObserved() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 7).Draw(t, "type") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Float64().Filter(func(f float64) bool { _, err := json.Marshal(f); return err == nil }).Draw(t, "float")
		case 3:
			return rapid.Int64().Draw(t, "int")
		case 4:
			return rapid.SliceOfN(anyText(), 0, 3).Draw(t, "list")
		case 5:
			return rapid.MapOfN(anyText(), anyText(), 0, 3).Draw(t, "object")
		}
		return anyText().Draw(t, "text")
	})
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "a&b", "\"", "\\", "é\u2028", "\xff", "line\nbreak", "192.0.2.1"}), rapid.String())
}

func anyTime(t *rapid.T, name string) time.Time {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600*rapid.IntRange(-3, 3).Draw(t, "zone")))
	return at.Add(time.Duration(rapid.Int64Range(0, 1e18).Draw(t, name)))
}

func anyBatch(t *rapid.T) []monitor.EventMessage {
	batch := make([]monitor.EventMessage, rapid.IntRange(1, 4).Draw(t, "results"))
	text := func(name string) string { return anyText().Draw(t, name) }
	for i := range batch {
		r := monitor.Result{
			ID: text("id"), CheckID: text("check"), Service: text("service"), Revision: rapid.Uint64().Draw(t, "revision"), Location: text("location"),
			Runner: text("runner"), DueAt: anyTime(t, "due"), StartedAt: anyTime(t, "started"), DurationMS: rapid.Float64Range(0, 1e9).Draw(t, "duration"),
			Outcome: rapid.SampledFrom(monitor.Outcomes()).Draw(t, "outcome"), Attempts: rapid.Int().Draw(t, "attempts"),
			Observed: rapid.MapOfN(anyText(), anyObserved(), 0, 3).Draw(t, "observed"), Error: text("error"), Trigger: rapid.SampledFrom(monitor.Triggers()).Draw(t, "trigger"),
		}
		if rapid.Bool().Draw(t, "timings") {
			r.Timings = &monitor.Timings{DNS: rapid.Float64Range(0, 9).Draw(t, "dns"), Transfer: rapid.Float64Range(0, 9).Draw(t, "transfer")}
		}
		if rapid.Bool().Draw(t, "next") {
			r.NextDueAt = anyTime(t, "next")
		}
		for range rapid.IntRange(0, 2).Draw(t, "assertions") {
			r.Assertions = append(r.Assertions, monitor.AssertionResult{Expression: text("expression"), Passed: rapid.Bool().Draw(t, "passed"), Actual: text("actual")})
		}
		batch[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{
			ID: text("event"), Source: text("source"), Time: anyTime(t, "time"), CausationID: r.ID, CorrelationID: text("correlation"), Actor: text("actor"),
		}}
	}
	return batch
}

// requireSame wants what the scanner read to be what encoding/json reads, and its lines to be the results.
func requireSame(t require.TestingT, raw []byte, got []monitor.EventMessage) {
	want, err := byLibrary(raw)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i, m := range got {
		var line monitor.Result
		require.NoError(t, json.Unmarshal(m.Line, &line))
		require.NotContains(t, string(m.Line), "\n")
		m.Line = nil
		require.Equal(t, want[i], m)
		result, _ := monitor.ResultOf(m.Event)
		require.Equal(t, result, line)
	}
}

func TestResultsAreScannedAsTheLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := anyBatch(t)
		raw, err := MarshalBatch(batch)
		require.NoError(t, err)
		got, ok := scanResults(raw)
		require.True(t, ok, "what MarshalBatch writes is not foreign: %s", raw)
		requireSame(t, raw, got)
	})
}

func TestWhatIsForeignIsLeftToTheLibrary(t *testing.T) {
	event := `{"specversion":"1.0","id":"e","type":"vedette.check.succeeded.v1","source":"/s","subject":"check/a","time":"2026-01-01T00:00:00Z","datacontenttype":"application/json","data":{"result":%s}}`
	result := `{"id":"a.1","check_id":"a","outcome":"success","observed":{"n":1}}`
	raw := []byte("[" + fmt.Sprintf(event, result) + "]")
	got, ok := scanResults(raw)
	require.True(t, ok)
	requireSame(t, raw, got)
	for name, foreign := range map[string]string{
		"space":           `{"id": "a.1"}`,
		"line break":      "{\"id\":\"a.1\",\n\"check_id\":\"a\"}",
		"unknown key":     `{"id":"a.1","more":1}`,
		"key twice":       `{"id":"a.1","id":"a.2"}`,
		"key in capitals": `{"ID":"a.1"}`,
		"null":            `{"observed":null}`,
		"number as text":  `{"revision":"1"}`,
		"fraction":        `{"attempts":1.5}`,
		"leading zero":    `{"duration_ms":01}`,
		"no digits":       `{"duration_ms":1.}`,
		"out of range":    `{"duration_ms":1e999}`,
		"bad escape":      `{"error":"\x"}`,
		"bad time":        `{"due_at":"yesterday"}`,
		"comma":           `{"id":"a.1",}`,
		"deep":            `{"observed":{"a":` + nested(jsonscan.MaxDepth+2) + `}}`,
		"torn":            `{"id":"a.1"`,
	} {
		_, ok := scanResults([]byte("[" + fmt.Sprintf(event, foreign) + "]"))
		require.False(t, ok, name)
	}
	for name, foreign := range map[string]string{
		"nothing": ``, "no event": `[]`, "more": string(raw) + `[]`, "torn": string(raw[:len(raw)-1]),
		"another type": `[{"specversion":"1.0","type":"vedette.check.paused.v1","data":{"result":{"id":"a"}}}]`,
		"no result":    `[{"specversion":"1.0","type":"vedette.check.succeeded.v1","data":{}}]`,
		"version":      `[{"specversion":"0.3","type":"vedette.check.succeeded.v1","data":{"result":{"id":"a"}}}]`,
	} {
		_, ok := scanResults([]byte(foreign))
		require.False(t, ok, name)
	}
}

func nested(depth int) string {
	text := "1"
	for range depth {
		text = "[" + text + "]"
	}
	return text
}

func FuzzScanResults(f *testing.F) {
	files, err := filepath.Glob("testdata/events/vedette.check.*.json")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(append(append([]byte("["), raw...), ']'))
	}
	raw, err := MarshalBatch([]monitor.EventMessage{{Event: monitor.CheckSucceeded{Result: monitor.Result{ID: "a", Observed: map[string]any{"a": []any{1, nil, true, "é&"}}, Timings: &monitor.Timings{TLS: 1}}}}})
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, ok := scanResults(raw); ok {
			requireSame(t, raw, got)
		}
	})
}
