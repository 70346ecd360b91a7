package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/vedette/vedette/pkg/bus"
)

const (
	bucketLeases = "leases"
	// leaseTTL is how long a lease outlives its holder, leaseRenew how often it is renewed,
	// leaseLook how often a standby looks.
	leaseTTL   = 3 * time.Second
	leaseRenew = time.Second
	leaseLook  = 250 * time.Millisecond
)

// Hold implements bus.Leases.
func (b *Bus) Hold(ctx context.Context, name, holder string, run func(ctx context.Context, fence uint64) error) error {
	l := lease{bus: b, subject: "$KV." + bucketName(bucketLeases) + "." + token(name), name: name, holder: holder, own: nuid.Next()}
	for ctx.Err() == nil {
		fence, err := l.take(ctx)
		if err != nil {
			if !errors.Is(err, errHeld) && ctx.Err() == nil {
				b.log.Warn("a lease cannot be had; trying again", "lease", name, "error", err)
			}
			wait(ctx, leaseLook)
			continue
		}
		if err := l.keep(ctx, fence, run); err != nil {
			return err
		}
	}
	return nil
}

// errHeld says that somebody else holds the lease.
var errHeld = errors.New("lease is held")

// lease is a message with a time to live, the last on its subject. Its first sequence is the fence.
type lease struct {
	bus           *Bus
	subject       string
	name, holder  string
	own           string // tells this holder's messages from those of others of the same name
	revision      uint64
	lastConfirmed time.Time
}

func (l *lease) take(ctx context.Context) (fence uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseTTL)
	defer cancel()
	stream, err := l.bus.stream(ctx, "KV_"+bucketName(bucketLeases))
	if err != nil {
		return 0, err
	}
	var last uint64
	raw, err := stream.GetLastMsgForSubject(ctx, l.subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return 0, err
	case !ended(raw.Header):
		return 0, errHeld
	default:
		last = raw.Sequence
	}
	if err := l.write(ctx, last); err != nil {
		var conflict *bus.ConflictError
		if errors.As(err, &conflict) {
			return 0, errHeld
		}
		return 0, err
	}
	return l.revision, nil
}

// headerOwn says whose message it is.
const headerOwn = "Vedette-Lease"

// ended reports whether a message marks the end of a lease: released, or run out.
func ended(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get("Nats-Marker-Reason") != ""
}

func (l *lease) write(ctx context.Context, expected uint64) error {
	m := nats.NewMsg(l.subject)
	m.Data = []byte(l.holder)
	m.Header.Set(headerOwn, l.own)
	at := time.Now()
	ack, err := l.bus.js.PublishMsg(ctx, m, jetstream.WithMsgTTL(leaseTTL), jetstream.WithExpectLastSequencePerSubject(expected))
	if err != nil {
		return l.bus.explain(err, "lease "+l.name, expected)
	}
	l.revision, l.lastConfirmed = ack.Sequence, at
	return nil
}

// keep runs while the lease is renewed. It returns run's error, or nil when the lease was lost or
// ctx has ended.
func (l *lease) keep(ctx context.Context, fence uint64, run func(context.Context, uint64) error) error {
	held, lose := context.WithCancel(ctx)
	defer lose()
	ended := make(chan error, 1)
	go func() { ended <- run(held, fence) }()
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	for {
		select {
		case err := <-ended:
			l.release(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			// It gave the lease up by itself: let a standby have it first.
			wait(ctx, 2*leaseLook)
			return nil
		case <-renew.C:
			if l.renew(ctx) {
				continue
			}
			l.bus.log.Warn("lease lost", "lease", l.name)
			lose()
			err := <-ended
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return err
		}
	}
}

// renew reports whether the lease is still held.
func (l *lease) renew(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRenew)
	defer cancel()
	var conflict *bus.ConflictError
	err := l.write(ctx, l.revision)
	if errors.As(err, &conflict) && l.adopt(ctx) {
		err = l.write(ctx, l.revision)
	}
	switch {
	case err == nil:
		return true
	case errors.As(err, &conflict):
		return false
	}
	// The server may be away for a moment; the lease is good for as long as it was last confirmed.
	return time.Since(l.lastConfirmed) < leaseTTL-leaseRenew/2
}

// adopt reports whether what stands in the way is a renewal of this holder's own, whose answer was
// lost; then it goes on from there.
func (l *lease) adopt(ctx context.Context) bool {
	stream, err := l.bus.stream(ctx, "KV_"+bucketName(bucketLeases))
	if err != nil {
		return false
	}
	raw, err := stream.GetLastMsgForSubject(ctx, l.subject)
	if err != nil || ended(raw.Header) || raw.Header.Get(headerOwn) != l.own {
		return false
	}
	l.revision = raw.Sequence
	return true
}

// release ends the lease at once, so that a standby need not wait.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRenew)
	defer cancel()
	m := nats.NewMsg(l.subject)
	m.Header.Set("KV-Operation", "DEL")
	if _, err := l.bus.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(l.revision)); err != nil {
		l.bus.log.Debug("a lease could not be released; it runs out", "lease", l.name, "error", fmt.Errorf("release: %w", err))
	}
}
