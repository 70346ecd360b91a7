package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/middleware"
	"github.com/vedette/vedette/pkg/monitor"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceparent(t *testing.T) {
	p, err := middleware.ParseTraceparent(parent)
	require.NoError(t, err)
	assert.Equal(t, parent, p.String())
	assert.True(t, p.Sampled)
	later, err := middleware.ParseTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what-comes-later")
	require.NoError(t, err)
	assert.False(t, later.Sampled)
	for _, bad := range []string{
		"", "00", parent + "-more", strings.ToUpper(parent), strings.Replace(parent, "00-", "ff-", 1), strings.Replace(parent, "0af7", "0ag7", 1),
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-" + strings.Repeat("0", 16) + "-01",
		"00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033310-01",
	} {
		_, err := middleware.ParseTraceparent(bad)
		require.ErrorContains(t, err, "traceparent", "%q", bad)
	}
}

func FuzzParseTraceparent(f *testing.F) {
	f.Add(parent)
	f.Add("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-x")
	f.Fuzz(func(t *testing.T, header string) {
		p, err := middleware.ParseTraceparent(header)
		if err != nil {
			return
		}
		again, err := middleware.ParseTraceparent(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// handled runs one command through middleware around a handler.
func handled(t *testing.T, m bus.Middleware, handle bus.CommandHandler) ([]bus.Outcome, error) {
	t.Helper()
	return bus.WrapHandler(handle, m)(t.Context(), []monitor.CommandMessage{{Meta: monitor.Meta{ID: "c1", CorrelationID: "chain"}, Command: monitor.PauseCheck{CheckID: "home"}}})
}

func refuse(context.Context, []monitor.CommandMessage) ([]bus.Outcome, error) {
	return []bus.Outcome{{Refusal: bus.Refuse(monitor.ErrNotFound)}}, nil
}

func crash(context.Context, []monitor.CommandMessage) ([]bus.Outcome, error) { panic("unexpected") }

func TestLogTellsRefusalsAndFailures(t *testing.T) {
	var text bytes.Buffer
	m := middleware.Log(slog.New(slog.NewTextHandler(&text, nil)))
	_, err := handled(t, m, refuse)
	require.NoError(t, err)
	assert.Contains(t, text.String(), "a command was refused")
	assert.Contains(t, text.String(), "message.about=check/home")
	assert.Contains(t, text.String(), "message.correlation=chain")
	text.Reset()
	_, err = handled(t, m, crash)
	require.ErrorAs(t, err, new(*bus.PanicError), "the bus must see it")
	assert.Contains(t, text.String(), "level=ERROR")
	text.Reset()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = bus.WrapCommands(bus.NewMemory(), m).Send(ended, monitor.CommandMessage{Meta: monitor.Meta{ID: "c2"}, Command: monitor.PauseCheck{}})
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, text.String(), "level=WARN")
}

func TestMetricsCountByResult(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := middleware.Metrics(registry)
	require.NoError(t, err)
	_, err = middleware.Metrics(registry)
	require.ErrorContains(t, err, "metrics of messages")
	_, _ = handled(t, m, refuse)
	_, _ = handled(t, m, crash)
	_, _ = handled(t, m, func(context.Context, []monitor.CommandMessage) ([]bus.Outcome, error) {
		return make([]bus.Outcome, 1), nil
	})
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
		# HELP vedette_bus_commands_handled_total Commands handled, by type and result.
		# TYPE vedette_bus_commands_handled_total counter
		vedette_bus_commands_handled_total{result="failed",type="vedette.check.pause.v1"} 1
		vedette_bus_commands_handled_total{result="ok",type="vedette.check.pause.v1"} 1
		vedette_bus_commands_handled_total{result="refused",type="vedette.check.pause.v1"} 1
	`), "vedette_bus_commands_handled_total"))
}

func TestTraceOfAMessageFollowsFromIt(t *testing.T) {
	var spans []middleware.Span
	m := middleware.Trace(func(s middleware.Span) { spans = append(spans, s) })
	_, _ = handled(t, m, refuse)
	_, err := handled(t, m, func(context.Context, []monitor.CommandMessage) ([]bus.Outcome, error) { return nil, errors.New("no") })
	require.Error(t, err)
	require.Len(t, spans, 2)
	assert.Equal(t, spans[0].Trace, spans[1].Trace)
	assert.Equal(t, spans[0].Parent, spans[1].Parent)
	assert.NotEqual(t, spans[0].Span, spans[1].Span)
	assert.Equal(t, monitor.ErrNotFound.Error(), spans[0].Refusal)
	require.Error(t, spans[1].Err)

	var text bytes.Buffer
	log := middleware.LogSpans(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log(spans[1])
	assert.Contains(t, text.String(), "trace_id=")
	text.Reset()
	spans[1].Sampled = false
	log(spans[1])
	assert.Empty(t, text.String())
}
