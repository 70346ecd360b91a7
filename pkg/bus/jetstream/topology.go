package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
)

// Limits bound what the streams keep. Zero fields take the defaults named here; zero sizes are what
// the streams have already, or less than the defaults on a server with little room.
type Limits struct {
	// Events bounds EVENTS in bytes; when it is reached, appends are refused. Default 16 GiB.
	Events int64
	// ResultsAge and Results bound RESULTS; the oldest go first. Defaults 30 days and 32 GiB.
	ResultsAge time.Duration
	Results    int64
}

func (l Limits) withDefaults() Limits {
	if l.Events == 0 {
		l.Events = 16 << 30
	}
	if l.ResultsAge == 0 {
		l.ResultsAge = 30 * 24 * time.Hour
	}
	if l.Results == 0 {
		l.Results = 32 << 30
	}
	return l
}

// streams returns what the server must have.
func (b *Bus) streams() []jetstream.StreamConfig {
	limits := b.cfg.Limits.withDefaults()
	all := []jetstream.StreamConfig{
		{
			Name: streamCommands, Subjects: []string{allCommands}, Retention: jetstream.WorkQueuePolicy,
			Description: "Commands until they are decided", Storage: jetstream.FileStorage,
			MaxBytes: 1 << 30, Discard: jetstream.DiscardNew, AllowDirect: true,
		},
		{
			Name: streamEvents, Subjects: []string{allEvents}, Description: "Every decision, kept for ever",
			Storage: jetstream.FileStorage, MaxBytes: limits.Events, Discard: jetstream.DiscardNew,
			DenyDelete: true, DenyPurge: true, AllowDirect: true, AllowAtomicPublish: true,
			Compression: jetstream.S2Compression,
			RePublish:   &jetstream.RePublish{Source: allEvents, Destination: liveEvents},
		},
		b.executions(),
		{
			Name: streamResults, Subjects: []string{allResults}, Description: "What executions found",
			Storage: jetstream.FileStorage, MaxAge: limits.ResultsAge, MaxBytes: limits.Results,
			Compression: jetstream.S2Compression, AllowDirect: true,
		},
		{
			Name: streamDeadLetters, Subjects: []string{allDead}, Storage: jetstream.FileStorage,
			Description: "What could not be read or handled", MaxAge: 90 * 24 * time.Hour, MaxBytes: 256 << 20,
		},
		bucketConfig(bucketLeases, func(c *jetstream.StreamConfig) {
			c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = true, leaseTTL
		}),
		bucketConfig(bucketOutcomes, func(c *jetstream.StreamConfig) { c.MaxAge = bus.OutcomesKept }),
		bucketConfig(bucketProbe, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }),
	}
	for i := range all {
		all[i].Replicas = max(1, b.cfg.Replicas)
	}
	return all
}

func (b *Bus) executions() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamExecutions, Subjects: []string{allExecutions}, Retention: jetstream.WorkQueuePolicy,
		Description: "Due checks until they are executed", Storage: jetstream.MemoryStorage, Replicas: max(1, b.cfg.Replicas),
		MaxAge: bus.ExecutionsKept, MaxBytes: 256 << 20, Discard: jetstream.DiscardNew, Duplicates: bus.ExecutionsKept,
	}
}

// bucketConfig is a bucket as the stream that it is: created so, it keeps AllowAtomicPublish, which
// the key-value calls would reset.
func bucketConfig(name string, changes ...func(*jetstream.StreamConfig)) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: "KV_" + bucketName(name), Subjects: []string{"$KV." + bucketName(name) + ".>"},
		Storage: jetstream.FileStorage, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
		AllowRollup: true, DenyDelete: true, AllowDirect: true, AllowAtomicPublish: true,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func bucketName(name string) string { return "vedette_" + name }

// EnsureTopology creates the streams that do not exist and adapts those that do. It never removes
// anything, and is safe to repeat and to run from several processes.
func (b *Bus) EnsureTopology(ctx context.Context) error {
	var events, results jetstream.StreamConfig
	for _, want := range b.streams() {
		switch want.Name {
		case streamEvents:
			events = want
		case streamResults:
			results = want
		default:
			if err := b.ensureStream(ctx, want); err != nil {
				return err
			}
		}
	}
	return b.ensureLogs(ctx, events, results)
}

func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) error {
	_, err := b.js.CreateOrUpdateStream(ctx, want)
	if err == nil {
		return nil
	}
	// Several processes start at once: whoever comes second finds it done.
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		_, err = b.js.UpdateStream(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", want.Name, err)
	}
	return nil
}
