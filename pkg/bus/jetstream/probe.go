package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/nats-io/nats.go"

	"github.com/vedette/vedette/pkg/bus"
)

const bucketProbe = "probe"

// Probe implements bus.Bus. A write to a bucket of its own proves that the store takes writes to
// disk. A write to each other stream, with an expectation that can never hold, proves that the
// stream's leader takes writes up to the point of storing them: it must refuse for that reason and
// no other. That there is room left is read from the stream's state.
func (b *Bus) Probe(ctx context.Context) error {
	if err := b.intact(); err != nil {
		return err
	}
	if _, err := b.publish(ctx, []*nats.Msg{message("$KV."+bucketName(bucketProbe)+".probe", nil, []byte("ready"))}); err != nil {
		return b.explain(err, "the store", 0)
	}
	for stream, subject := range map[string]string{
		streamCommands:   "vedette.command.probe.probe.probe",
		streamEvents:     placeOf("probe", "probe").subject("probed"),
		streamExecutions: executionSubject("probe"),
		streamResults:    resultSubject("probe"),
	} {
		if err := b.probeStream(ctx, stream, subject); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) probeStream(ctx context.Context, stream, subject string) error {
	m := message(subject, nil, nil)
	expect(m, subject, math.MaxInt64)
	err := b.explainQuietly(b.publish(ctx, []*nats.Msg{m}))
	var conflict *bus.ConflictError
	if !errors.As(err, &conflict) {
		return fmt.Errorf("stream %s does not take writes: %w", stream, err)
	}
	handle, err := b.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("stream %s: %w", stream, err)
	}
	info := handle.CachedInfo()
	if limit := info.Config.MaxBytes; stream == streamEvents && limit > 0 && info.State.Bytes > uint64(limit)/100*99 {
		return fmt.Errorf("stream %s: %w: %d of %d bytes", stream, bus.ErrFull, info.State.Bytes, limit)
	}
	return nil
}

// explainQuietly is explain for a conflict that is wanted, and not counted.
func (b *Bus) explainQuietly(_ uint64, err error) error {
	if err == nil {
		return errors.New("an impossible expectation was met")
	}
	if isConflict(err) {
		return &bus.ConflictError{What: "probe", Expected: math.MaxInt64}
	}
	return err
}
