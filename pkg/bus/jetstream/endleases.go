package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// EndLeases ends every lease. It is for the start of a server that no other process can reach: who
// held a lease is dead, and nobody need wait until it runs out. Fences go on growing all the same.
func (b *Bus) EndLeases(ctx context.Context) error {
	stream, err := b.stream(ctx, "KV_"+bucketName(bucketLeases))
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return fmt.Errorf("look for leases: %w", err)
	}
	for subject := range info.State.Subjects {
		raw, err := stream.GetLastMsgForSubject(ctx, subject)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			continue // it has run out meanwhile
		case err != nil:
			return fmt.Errorf("look at the lease %s: %w", subject, err)
		case ended(raw.Header):
			continue
		}
		l := lease{bus: b, subject: subject, name: subject, holder: string(raw.Data), revision: raw.Sequence}
		l.release(ctx)
		b.log.Info("the lease of a process that is no more was ended", "lease", subject, "holder", l.holder)
	}
	return nil
}
