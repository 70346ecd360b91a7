package kinds_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestRecordedResultsAreAssessedByOtherAssertions(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	assessor := table.Assessor(t.Context())
	var web, names monitor.Result
	require.NoError(t, json.Unmarshal([]byte(`{"duration_ms":812.5,"observed":{"status":503,"ip":"192.0.2.1","http_version":"HTTP/1.1","certificate":{"issuer":"CN=x"}},"timings":{"connect_ms":3.5}}`), &web))
	require.NoError(t, json.Unmarshal([]byte(`{"duration_ms":4,"observed":{"rcode":"NOERROR","answers":["192.0.2.1","192.0.2.2"],"ttl":60}}`), &names))
	cut := names
	cut.Observed = map[string]any{"answers": names.Observed["answers"], "answers_total": 40.0}
	for _, c := range []struct {
		kind       string
		result     monitor.Result
		assertions []string
		passed, ok bool
		failure    string
	}{
		{"http", web, []string{"status == 503", "latency < duration('1s')", "timings.connect_ms < 4.0", "status % 100 == 3"}, true, true, ""},
		{"http", web, []string{"status == 200"}, false, true, "status == 200 · actual "},
		{"http", web, []string{"latency_ms < 500.0"}, false, true, ""},
		{"http", web, []string{"body.contains('ok')"}, false, false, ""},
		{"http", web, []string{"status == 503 || body.contains('ok')"}, true, true, ""},
		{"http", web, []string{"certificate.issuer == 'CN=x'"}, false, false, ""},
		{"http", web, []string{"!has(certificate.subject)"}, false, false, ""},
		{"http", web, []string{"body.contains('ok')", "status == 200"}, false, true, ""},
		{"dns", names, []string{"'192.0.2.1' in answers", "ttl >= 60", "rcode == 'NOERROR'"}, true, true, ""},
		{"dns", names, []string{"answers.all(a, a == '192.0.2.1')"}, false, true, ""},
		{"dns", cut, []string{"answers.size() < 10"}, false, false, ""},
		{"none", web, []string{"true"}, false, false, ""},
	} {
		passed, failure, ok := assessor.Assess(monitor.Definition{Kind: c.kind, Assertions: c.assertions}, c.result)
		require.Equal(t, c.ok, ok, "%v", c.assertions)
		require.Equal(t, c.passed, passed, "%v", c.assertions)
		require.Equal(t, ok && !passed, failure != "", "%v", c.assertions)
		require.Contains(t, failure, c.failure)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, ok := table.Assessor(over).Assess(monitor.Definition{Kind: "dns", Assertions: []string{"answers.all(a, true)"}}, names)
	require.False(t, ok)
}
