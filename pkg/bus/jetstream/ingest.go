package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette/vedette/pkg/bus"
)

// The gate's answers, in the header Vedette-Answer; the body holds the reason.
const (
	headerAnswer  = "Vedette-Answer"
	answerTaken   = "taken"
	answerRefused = "refused"
	answerRetry   = "retry"
)

// gateQueue is the queue group of all gates.
const gateQueue = "gate"

// Deliver implements bus.Ingest.
func (r *RunnerBus) Deliver(ctx context.Context, location string, report bus.Report) error {
	return deliver(ctx, r.conn, location, report)
}

// Deliver implements bus.Ingest.
func (b *Bus) Deliver(ctx context.Context, location string, report bus.Report) error {
	return deliver(ctx, b.conn, location, report)
}

func deliver(ctx context.Context, conn *nats.Conn, location string, report bus.Report) error {
	raw, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("%w: encode the report: %w", bus.ErrRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := conn.RequestWithContext(ctx, ingestSubject(location), raw)
	if err != nil {
		return fmt.Errorf("report to the gate: %w", err)
	}
	switch answer.Header.Get(headerAnswer) {
	case answerTaken:
		return nil
	case answerRefused:
		return fmt.Errorf("%w: %s", bus.ErrRefused, answer.Data)
	default:
		return fmt.Errorf("the gate asks to try again: %s", answer.Data)
	}
}

// ServeIngest implements bus.IngestServer.
func (b *Bus) ServeIngest(ctx context.Context, handle func(ctx context.Context, location string, report bus.Report) error) error {
	var running sync.WaitGroup
	// What has come in is answered even while stopping.
	work := context.WithoutCancel(ctx)
	subscription, err := b.conn.QueueSubscribe(allIngest, gateQueue, func(m *nats.Msg) {
		running.Go(func() { b.takeReport(work, m, handle) })
	})
	if err != nil {
		return fmt.Errorf("subscribe to reports: %w", err)
	}
	<-ctx.Done()
	if err := drain(subscription); err != nil {
		b.log.Warn("reports may be left unanswered", "error", err)
	}
	running.Wait()
	return nil
}

func (b *Bus) takeReport(ctx context.Context, m *nats.Msg, handle func(ctx context.Context, location string, report bus.Report) error) {
	answer := nats.NewMsg(m.Reply)
	var report bus.Report
	err := json.Unmarshal(m.Data, &report)
	if err != nil {
		err = fmt.Errorf("%w: the report cannot be read: %w", bus.ErrRefused, err)
	} else {
		err = handle(ctx, locationOf(m.Subject), report)
	}
	switch {
	case err == nil:
		answer.Header.Set(headerAnswer, answerTaken)
	case errors.Is(err, bus.ErrRefused):
		answer.Header.Set(headerAnswer, answerRefused)
		answer.Data = []byte(err.Error())
	default:
		answer.Header.Set(headerAnswer, answerRetry)
		answer.Data = []byte(err.Error())
	}
	if err := b.conn.PublishMsg(answer); err != nil {
		b.log.Warn("a report could not be answered; its runner sends it again", "error", err)
	}
}

// drain unsubscribes and waits until what has come in is handled.
func drain(subscription *nats.Subscription) error {
	closed := make(chan struct{})
	subscription.SetClosedHandler(func(string) { close(closed) })
	if err := subscription.Drain(); err != nil {
		return err
	}
	select {
	case <-closed:
		return nil
	case <-time.After(requestTimeout):
		return nats.ErrTimeout
	}
}
