package jetstream

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// AnnounceResult implements bus.Live.
func (b *Bus) AnnounceResult(result monitor.EventMessage) error {
	r, ok := monitor.ResultOf(result.Event)
	if !ok {
		return fmt.Errorf("announce %s: it is no result", result.Event.Type())
	}
	headers, body, err := cloudevents.Binary(result.Meta, result.Event)
	if err != nil {
		return err
	}
	return b.conn.PublishMsg(message(liveResultSubject(r, result.Event.Verb()), headers, body))
}

// AnnounceTest implements bus.Live.
func (b *Bus) AnnounceTest(result monitor.Result) error {
	return b.announce(liveTestSubject(result.ID), result)
}

// AnnounceRunner implements bus.Live: results are left out, they have subjects of their own.
func (b *Bus) AnnounceRunner(report bus.Report) error {
	report.Results = nil
	return b.announce(liveRunnerSubject(report.Runner), report)
}

func (b *Bus) announce(subject string, payload any) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("announce on %s: %w", subject, err)
	}
	return b.conn.Publish(subject, raw)
}

// OnResult implements bus.Live.
func (b *Bus) OnResult(ctx context.Context, handle func(monitor.EventMessage)) (func(), error) {
	return b.listen(ctx, liveResults, func(m *nats.Msg) {
		event, err := b.codec.ParseEvent(headerOf(m.Header), m.Data)
		if err != nil {
			b.log.Warn("a live result cannot be read", "subject", m.Subject, "error", err)
			return
		}
		handle(event)
	})
}

// OnTest implements bus.Live.
func (b *Bus) OnTest(ctx context.Context, executionID string, handle func(monitor.Result)) (func(), error) {
	return b.listen(ctx, liveTestSubject(executionID), func(m *nats.Msg) { decoded(b, m, handle) })
}

// OnRunner implements bus.Live.
func (b *Bus) OnRunner(ctx context.Context, handle func(bus.Report)) (func(), error) {
	return b.listen(ctx, liveRunners, func(m *nats.Msg) { decoded(b, m, handle) })
}

func decoded[T any](b *Bus, m *nats.Msg, handle func(T)) {
	var value T
	if err := json.Unmarshal(m.Data, &value); err != nil {
		b.log.Warn("a live message cannot be read", "subject", m.Subject, "error", err)
		return
	}
	handle(value)
}

// listen subscribes until ctx ends or stop is called.
func (b *Bus) listen(ctx context.Context, subject string, handle nats.MsgHandler) (stop func(), err error) {
	subscription, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		if ctx.Err() == nil {
			handle(m)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	flushing, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := b.conn.FlushWithContext(flushing); err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	unsubscribe := context.AfterFunc(ctx, func() { _ = subscription.Unsubscribe() }) // fails when stopped
	return func() {
		if !unsubscribe() {
			return
		}
		if err := drain(subscription); err != nil {
			b.log.Warn("a subscription did not end in order", "subject", subject, "error", err)
		}
	}, nil
}
