package jetstream

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// AppendResults implements bus.ResultLog.
func (b *Bus) AppendResults(ctx context.Context, location string, results []monitor.EventMessage) ([]monitor.EventMessage, error) {
	if len(results) == 0 {
		return nil, nil
	}
	for i, r := range results {
		if _, ok := monitor.ResultOf(r.Event); !ok {
			return nil, fmt.Errorf("append results: number %d, %s, is no result", i, r.Event.Type())
		}
	}
	body, err := cloudevents.MarshalBatch(results)
	if err != nil {
		return nil, err
	}
	m := message(resultSubject(location), map[string]string{"Content-Type": cloudevents.BatchContentType}, body)
	// A repeat after a lost answer within the window of duplicates is dropped; beyond it, the order
	// of due times makes it harmless.
	m.Header.Set(nats.MsgIdHdr, results[0].ID)
	last, err := b.publish(ctx, []*nats.Msg{m})
	if err != nil {
		return nil, b.explain(err, streamResults, 0)
	}
	written := make([]monitor.EventMessage, len(results))
	for i, r := range results {
		r.Sequence, r.Index = last, i
		written[i] = r
	}
	return written, nil
}

// FollowResults implements bus.ResultLog.
func (b *Bus) FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	return b.tail(ctx, tailing{stream: streamResults, after: after, filters: []string{allResults}, caughtUp: caughtUp, handle: func(raw []jetstream.Msg) error {
		for len(raw) > 0 {
			n := withinBytes(raw, maxDecoded)
			if results := b.decodeResults(ctx, raw[:n]); len(results) > 0 {
				if err := handle(results); err != nil {
					return err
				}
			}
			raw = raw[n:]
		}
		return nil
	}})
}

// maxDecoded bounds in bytes what is decoded at once: results take several times as much in memory.
const maxDecoded = 2 << 20

// withinBytes returns how many of the messages hold at most so many bytes; at least one.
func withinBytes(raw []jetstream.Msg, most int) int {
	size := len(raw[0].Data())
	for n := 1; n < len(raw); n++ {
		if size += len(raw[n].Data()); size > most {
			return n
		}
	}
	return len(raw)
}

// decodeResults decodes messages side by side, since that is what takes most of the time of reading,
// and returns their results in order. It takes half of the processors, since the fold goes on meanwhile.
func (b *Bus) decodeResults(ctx context.Context, raw []jetstream.Msg) []monitor.EventMessage {
	if len(raw) == 1 {
		return b.readResults(ctx, raw[0])
	}
	decoded := make([][]monitor.EventMessage, len(raw))
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(len(raw), max(1, runtime.GOMAXPROCS(0)/2)) {
		working.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(raw)); i = next.Add(1) - 1 {
				decoded[i] = b.readResults(ctx, raw[i])
				runtime.Gosched() // who has much to read lets others go first
			}
		})
	}
	working.Wait()
	return slices.Concat(decoded...)
}

// ReadResults implements bus.ResultLog.
func (b *Bus) ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error) {
	var results []monitor.EventMessage
	err := b.readUpTo(ctx, tailing{stream: streamResults, after: after, filters: []string{allResults}}, limit, func(m jetstream.Msg) {
		results = append(results, b.readResults(ctx, m)...)
	})
	return results, err
}

// readResults decodes a message of RESULTS. What cannot be decoded is put aside, loudly.
func (b *Bus) readResults(ctx context.Context, m jetstream.Msg) []monitor.EventMessage {
	meta, err := m.Metadata()
	var results []monitor.EventMessage
	if err == nil {
		results, err = b.codec.UnmarshalBatch(m.Data())
	}
	if err != nil {
		b.bury(ctx, streamResults, m, err)
		return nil
	}
	for i := range results {
		if _, ok := monitor.ResultOf(results[i].Event); !ok {
			b.bury(ctx, streamResults, m, fmt.Errorf("event %d of the batch is no result", i))
			return nil
		}
		results[i].Sequence, results[i].StoredAt = meta.Sequence.Stream, meta.Timestamp
	}
	return results
}

// LastResult implements bus.ResultLog.
func (b *Bus) LastResult(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx, streamResults)
	return state.LastSeq, err
}

// FirstResult implements bus.ResultLog.
func (b *Bus) FirstResult(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx, streamResults)
	return state.FirstSeq, err
}

// ResultsSince implements bus.ResultLog. The server finds the place when it opens a consumer there.
func (b *Bus) ResultsSince(ctx context.Context, at time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := b.js.CreateConsumer(ctx, streamResults, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: requestTimeout,
	})
	if err != nil {
		return 0, fmt.Errorf("find the results since %s: %w", at.UTC().Format(time.RFC3339), err)
	}
	info := consumer.CachedInfo()
	if err := b.js.DeleteConsumer(ctx, streamResults, info.Name); err != nil {
		b.log.Debug("a consumer is left to its end", "consumer", info.Name, "error", err)
	}
	return info.Delivered.Stream, nil
}
