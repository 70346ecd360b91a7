package main_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/services/vedette/client"
)

// TestWhatIfOfARunningProgram asks a whole Vedette about an outage that it just saw.
func TestWhatIfOfARunningProgram(t *testing.T) {
	p := up(t)
	watched := newTarget(t)
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1s"}`)
	awaitStatus(t, c, "home", monitor.StatusUp)
	watched.status.Store(http.StatusServiceUnavailable)
	awaitStatus(t, c, "home", monitor.StatusDown)
	watched.status.Store(http.StatusOK)
	awaitStatus(t, c, "home", monitor.StatusUp)

	ask := func(set string) replay.Report {
		code, out, errs := p.vedette(t, "replay", "what-if", "--service", "web", "--from", "-1h", "--set", set, "-o", "json")
		require.Zero(t, code, errs)
		var report replay.Report
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		return report
	}
	same := ask("failure_threshold=1")
	require.True(t, same.Faithful, "%+v", same)
	require.Equal(t, replay.Kept, same.Incidents[0].Kind)
	lost := ask("failure_threshold=100")
	require.Equal(t, replay.Lost, lost.Incidents[0].Kind)
	require.Zero(t, lost.Would.DownMS)
	require.Positive(t, lost.Happened.DownMS)
	other := ask("assertions=status == 503")
	require.Equal(t, replay.Gained, other.Incidents[0].Kind, "what was good would have been bad")
	require.Positive(t, other.Regraded)

	code, out, errs := p.vedette(t, "replay", "what-if", "--check", "home", "--set", "interval=1m")
	require.Equal(t, 4, code)
	require.Empty(t, out)
	require.Contains(t, errs, "cannot be replayed: what would have been found at other times is not recorded")
	require.Zero(t, p.stop())
}
