package cli

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/services/vedette/client"
)

func TestReplaysKeepTheirPace(t *testing.T) {
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	then := start.Add(-time.Hour)
	p := pace{speed: 60}
	require.Zero(t, p.wait(then, start), "the first goes at once")
	require.Equal(t, time.Second, p.wait(then.Add(time.Minute), start))
	require.Equal(t, 400*time.Millisecond, p.wait(then.Add(time.Minute), start.Add(600*time.Millisecond)), "what was lost is made up")
	require.Zero(t, p.wait(then.Add(time.Minute), start.Add(time.Hour)), "what is late goes at once")
	fastest := pace{}
	require.Zero(t, fastest.wait(then, start))
	require.Zero(t, fastest.wait(then.Add(time.Hour), start))
	for text, want := range map[string]float64{"60x": 60, "1x": 1, "0.5x": 0.5, "2": 2, "max": 0} {
		speed, err := parseSpeed(text)
		require.NoError(t, err)
		require.Equal(t, want, speed)
	}
	for _, text := range []string{"", "x", "0x", "-1x", "fast", "NaNx", "1e9x", "Inf"} {
		_, err := parseSpeed(text)
		require.ErrorContains(t, err, "such as 60x", text)
	}
}

func TestEventsArePublishedInBinaryMode(t *testing.T) {
	var e client.Event
	require.NoError(t, json.Unmarshal([]byte(`{"specversion":"1.0","id":"x","type":"vedette.check.paused.v1","datacontenttype":"application/json","sequence":"7","revision":3,"data":{"check_id":"home"}}`), &e))
	headers, body, err := binaryOf(e, "60x")
	require.NoError(t, err)
	require.JSONEq(t, `{"check_id":"home"}`, string(body))
	require.Equal(t, map[string]string{
		"Vedette-Replay": "60x", "Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "x", "ce-type": "vedette.check.paused.v1", "ce-sequence": "7", "ce-revision": "3",
	}, headers)
}
