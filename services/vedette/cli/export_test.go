package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// twoPages is a log of three events in two pages, the first of which is cut short by a filter.
func twoPages(t *testing.T) *server {
	t.Helper()
	event := func(sequence, kind, subject, data string) string {
		return `{"specversion":"1.0","id":"id-` + sequence + `","type":"vedette.` + kind + `.v1","source":"/vedette/decider","subject":"` + subject +
			`","time":"2026-03-04T11:17:00.5Z","sequence":"` + sequence + `","revision":3,"actor":"alice","causationid":"cause","data":` + data + `}`
	}
	return serve(t, map[string]http.HandlerFunc{"GET /events": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			answer(200, `{"items":[`+event("1", "check.status_changed", "check/home", `{"to":"down","service":"web"}`)+`],"next_cursor":"1","total":3}`)(w, r)
			return
		}
		answer(200, `{"items":[`+event("2", "incident.opened", "incident/home-1", `{"incident_id":"home-1"}`)+`,`+
			event("3", "check.succeeded", "result/home", `{"result":{"duration_ms":712.5}}`)+`],"total":3}`)(w, r)
	}})
}

func TestConditionsSelectEvents(t *testing.T) {
	s := twoPages(t)
	for condition, want := range map[string]string{
		`data.to == "down"`:                               "1",
		`data.to == "down" || data.to == "up"`:            "1",
		`data.result.duration_ms > 700`:                   "3",
		`has(data.incident_id)`:                           "2",
		`sequence >= 2 && actor == "alice"`:               "2,3",
		`time > timestamp("2026-03-04T11:17:00Z")`:        "1,2,3",
		`subject.startsWith("check/") && revision == 3`:   "1",
		`type.contains("incident") && causationid != ""`:  "2",
		`subject.split("/")[0] in ["incident", "result"]`: "2,3",
		`false`: "",
	} {
		o := s.run(t, "", nil, "events", "--after", "0", "--where", condition, "-o", "json")
		require.Zero(t, o.code, "%s: %s", condition, o.err)
		var sequences []string
		for line := range strings.Lines(o.out) {
			var e struct{ Sequence string }
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			sequences = append(sequences, e.Sequence)
		}
		require.Equal(t, want, strings.Join(sequences, ","), condition)
	}
	o := s.run(t, "", nil, "events", "--after", "0", "--where", "true", "-n", "2", "-o", "json")
	require.Equal(t, 2, strings.Count(o.out, "\n"))
	asked := s.requests()
	for condition, why := range map[string]string{
		`data.to =`: "cannot be read", `nothing == 1`: "undeclared reference", `"x"`: "write a condition", `sequence == "1"`: "no matching overload",
	} {
		o := s.run(t, "", nil, "events", "--where", condition)
		require.Equal(t, 2, o.code, condition)
		require.Contains(t, o.err, why)
	}
	require.Equal(t, asked, s.requests(), "nothing is asked")
	o = s.run(t, "", nil, "events", "--after", "0", "--where", "1 / (sequence - sequence) == 1")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "--where and event 1")
	require.Equal(t, 2, s.run(t, "", nil, "events", "--follow", "--from", "-1h").code)
}

func TestExport(t *testing.T) {
	s := twoPages(t)
	o := s.run(t, "", nil, "events", "export")
	require.Zero(t, o.code, o.err)
	require.Equal(t, 3, strings.Count(o.out, "\n"))
	require.Contains(t, o.out, `"sequence":"3"`)
	dir := t.TempDir()
	file := filepath.Join(dir, "events.parquet")
	o = s.run(t, "", nil, "events", "export", "--format", "parquet", "--file", file, "--where", "sequence > 1", "--results", "--from", "-24h")
	require.Zero(t, o.code, o.err)
	require.Equal(t, "2 events written to "+file+"\n", o.out)
	rows, err := parquet.ReadFile[struct {
		Sequence    int64     `parquet:"sequence"`
		Type        string    `parquet:"type"`
		Aggregate   string    `parquet:"aggregate"`
		AggregateID string    `parquet:"aggregate_id"`
		Time        time.Time `parquet:"time,timestamp(microsecond)"`
		CausationID *string   `parquet:"causation_id"`
		CommandID   *string   `parquet:"command_id"`
		Data        string    `parquet:"data"`
	}](file)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.EqualValues(t, 2, rows[0].Sequence)
	require.Equal(t, "incident", rows[0].Aggregate)
	require.Equal(t, "home-1", rows[0].AggregateID)
	require.Equal(t, time.Date(2026, 3, 4, 11, 17, 0, 5e8, time.UTC), rows[0].Time.UTC())
	require.Equal(t, "cause", *rows[0].CausationID)
	require.Nil(t, rows[0].CommandID, "what is empty is null")
	require.JSONEq(t, `{"result":{"duration_ms":712.5}}`, rows[1].Data)

	broken := serve(t, map[string]http.HandlerFunc{"GET /events": problem(503, "the server is stopping")})
	o = broken.run(t, "", nil, "events", "export", "--file", filepath.Join(dir, "other"))
	require.Equal(t, 1, o.code)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "no half of a file")
	require.Equal(t, 2, s.run(t, "", nil, "events", "export", "--format", "csv").code)
	require.Equal(t, 1, s.run(t, "", nil, "events", "export", "--file", filepath.Join(dir, "no", "such")).code)
}
