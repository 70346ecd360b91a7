package bustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/middleware"
	"github.com/vedette/vedette/pkg/monitor"
)

func routerTests() map[string]test {
	return map[string]test{
		"typed handlers from command to subscriber": testRouter,
		"a command without handler":                 testRouterNoHandler,
		"middleware sees the whole chain":           testMiddleware,
	}
}

// registrar registers services, each once.
func registrar(d Door) func(context.Context, monitor.Meta, monitor.RegisterService) (bus.Outcome, error) {
	return func(ctx context.Context, meta monitor.Meta, c monitor.RegisterService) (bus.Outcome, error) {
		event := monitor.EventMessage{Event: monitor.ServiceRegistered(c), Meta: monitor.Meta{
			ID: "registered-by-" + meta.ID, Source: "/test", Time: meta.Time, CommandID: meta.ID, CausationID: meta.ID, CorrelationID: meta.CorrelationID, Revision: 1,
		}}
		written, err := d.Bus.Append(ctx, fresh(event))
		var conflict *bus.ConflictError
		if errors.As(err, &conflict) {
			return bus.Outcome{}, fmt.Errorf("service %s: %w", c.Definition.ID, monitor.ErrExists)
		}
		if err != nil {
			return bus.Outcome{}, err
		}
		return bus.Outcome{Revision: 1, Sequence: written[0].Sequence}, nil
	}
}

func testRouter(t *testing.T, d Door) {
	t.Helper()
	r := bus.NewRouter()
	require.NoError(t, bus.Handle(r, registrar(d)))
	require.ErrorIs(t, bus.Handle(r, registrar(d)), bus.ErrHandlerTaken)
	require.NoError(t, bus.Handle(r, func(context.Context, monitor.Meta, monitor.PauseCheck) (bus.Outcome, error) {
		return bus.Outcome{}, monitor.ErrNotFound
	}))
	var mu sync.Mutex
	var services, all []string
	require.NoError(t, bus.Subscribe(r, func(_ context.Context, meta monitor.Meta, e monitor.ServiceRegistered) error {
		mu.Lock()
		defer mu.Unlock()
		services = append(services, fmt.Sprint(meta.Sequence, " ", e.Definition.ID))
		return nil
	}))
	require.NoError(t, bus.SubscribeAsync(r, bus.Async{Queue: 1, Failed: func(_ monitor.EventMessage, err error) { assert.NoError(t, err) }},
		func(_ context.Context, meta monitor.Meta, e monitor.Event) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, fmt.Sprint(meta.Sequence, " ", e.Verb()))
			return nil
		}))
	appendAll(t, d, deleted("old"))
	stopServing := background(t, func(ctx context.Context) error { return r.Serve(ctx, d.Bus) })
	stopFollowing := background(t, func(ctx context.Context) error {
		return d.Bus.Follow(ctx, 0, bus.Filter{}, r.Follower(ctx), nil)
	})
	first := send(t, d, command("one", registerService("web")))
	assert.Equal(t, bus.Outcome{CommandID: "one", Aggregate: "service", ID: "web", Revision: 1, Sequence: 2}, first)
	assert.ErrorIs(t, send(t, d, command("two", registerService("web"))).Refusal, monitor.ErrExists)
	assert.ErrorIs(t, send(t, d, command("three", monitor.PauseCheck{CheckID: "home"})).Refusal, monitor.ErrNotFound)
	send(t, d, command("four", registerService("shop")))
	heard := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(services) == 2
	}
	eventually(t, heard, "the events reach their subscribers")
	require.NoError(t, stopServing())
	require.NoError(t, stopFollowing())
	r.Close()
	assert.Equal(t, []string{"2 web", "3 shop"}, services)
	assert.Equal(t, []string{"1 deleted", "2 registered", "3 registered"}, all, "Close has waited for it")
}

func testRouterNoHandler(t *testing.T, d Door) {
	t.Helper()
	r := bus.NewRouter()
	require.ErrorIs(t, r.Serve(t.Context(), d.Bus), bus.ErrNoHandler)
	require.NoError(t, bus.Handle(r, registrar(d)))
	require.NoError(t, d.Bus.Post(t.Context(), command("one", monitor.DeleteService{ServiceID: "web"})))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.ErrorIs(t, r.Serve(ctx, d.Bus), bus.ErrNoHandler)
}

func testMiddleware(t *testing.T, d Door) {
	t.Helper()
	registry := prometheus.NewRegistry()
	measured, err := middleware.Metrics(registry)
	require.NoError(t, err)
	var mu sync.Mutex
	spans := make(map[string]middleware.Span)
	traced := middleware.Trace(func(s middleware.Span) {
		mu.Lock()
		defer mu.Unlock()
		spans[s.Name] = s
	})
	all := []bus.Middleware{middleware.Log(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))), measured, traced}
	b := bus.Use(d.Bus, all...)
	r := bus.NewRouter(all...)
	require.NoError(t, bus.Handle(r, registrar(d)))
	done := make(chan struct{})
	require.NoError(t, bus.Subscribe(r, func(ctx context.Context, _ monitor.Meta, _ monitor.ServiceRegistered) error {
		defer close(done)
		_, ok := middleware.PlaceOf(ctx)
		assert.True(t, ok)
		return nil
	}))
	stopServing := background(t, func(ctx context.Context) error { return r.Serve(ctx, d.Bus) })
	stopFollowing := background(t, func(ctx context.Context) error { return b.Follow(ctx, 0, bus.Filter{}, r.Follower(ctx), nil) })

	caller, err := middleware.ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.NoError(t, err)
	m := command("one", registerService("web"))
	m.CorrelationID = ""
	ctx, cancel := context.WithTimeout(middleware.WithPlace(t.Context(), caller), patience)
	defer cancel()
	outcome, err := b.Send(ctx, m)
	require.NoError(t, err)
	require.True(t, outcome.Accepted())
	receive(t, done, "the event")
	require.NoError(t, stopServing())
	require.NoError(t, stopFollowing())

	sent, handled, event := spans["send vedette.service.register.v1"], spans["handle vedette.service.register.v1"], spans["event vedette.service.registered.v1"]
	for _, s := range []middleware.Span{sent, handled, event} {
		assert.Equal(t, caller.Trace, s.Trace, "%s is of the caller's trace", s.Name)
	}
	assert.Equal(t, caller.Span, sent.Parent)
	assert.Equal(t, sent.Span, handled.Parent)
	assert.Equal(t, sent.Span, event.Parent)
	for metric, want := range map[string]int{"vedette_bus_commands_sent_total": 1, "vedette_bus_commands_handled_total": 1, "vedette_bus_events_handled_total": 1} {
		count, err := testutil.GatherAndCount(registry, metric)
		require.NoError(t, err)
		assert.Equal(t, want, count, metric)
	}
}
