package notifier

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/programlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is a log that is read back as it was written.
type lines struct{ programlog.Log }

// told returns the lines about events.
func (l *lines) told(t testing.TB) []map[string]any {
	t.Helper()
	var told []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if _, ok := fields["event"]; ok {
			told = append(told, fields)
		}
	}
	return told
}

// says waits until the log holds a text.
func (l *lines) says(t testing.TB, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(l.String(), text) }, 10*time.Second, 5*time.Millisecond, text)
}

func start(t testing.TB, b Bus, id string) (*lines, func()) {
	t.Helper()
	var l lines
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, b, Options{ID: id, Log: slog.New(slog.NewJSONHandler(&l, nil))}) }()
	return &l, func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// write appends an event of a check that nothing else writes about.
func write(t testing.TB, b bus.EventLog, id string, event monitor.Event) monitor.EventMessage {
	t.Helper()
	m := monitor.EventMessage{Meta: monitor.Meta{
		ID: id, Source: "/test", Time: time.Now().UTC(), CausationID: "cause-of-" + id, CorrelationID: "chain-of-" + id,
	}, Event: event}
	stored, err := b.Append(t.Context(), bus.Batch{
		Events: []monitor.EventMessage{m}, Expect: map[bus.Aggregate]uint64{bus.AggregateOf(event): 0},
	})
	require.NoError(t, err)
	return stored[0]
}

func down(check string) monitor.Event {
	return monitor.CheckStatusChanged{
		CheckID: check, Service: "web", From: monitor.StatusUp, To: monitor.StatusDown, At: time.Now().UTC(),
		Reason: "status is 503", ResultID: check + ".1.x.north", Position: monitor.Position{Sequence: 9, Index: 2},
	}
}

// settle lets everything happen that a second brings.
func settle() { time.Sleep(time.Second) }
