package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
)

const integrityEvery = time.Hour

// bucketIntegrity holds, under keyMark, the last event that was found whole: a store that lost its
// tail does not know that it had more; the mark does. Under keyReport is what the last check found.
const (
	bucketIntegrity = "integrity"
	keyMark         = "events"
	keyReport       = "report"
)

// mark is an event that was there.
type mark struct {
	Sequence uint64 `json:"sequence"`
	ID       string `json:"id"`
}

// GuardEvents checks EVENTS now and every hour until ctx ends, and hears of what other processes
// find. When a check finds damage, EVENTS is not written to any more: Append, Post, Send and Probe
// return bus.ErrCorrupt, until one finds it whole.
func (b *Bus) GuardEvents(ctx context.Context) error {
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { b.hearReports(ctx) })
	for ctx.Err() == nil {
		report, err := b.Verify(ctx, nil, unhurried(ctx))
		switch {
		case err != nil && ctx.Err() == nil:
			b.log.Error("the integrity of EVENTS is in doubt", "error", err)
		case err == nil && report.Whole:
			b.log.Info("EVENTS is whole", "events", report.Events, "head", report.Head.String(), "took", time.Duration(report.TookMS)*time.Millisecond)
		}
		wait(ctx, integrityEvery)
	}
	return nil
}

// unhurried rests between the steps of a verification, three times as long as they take: nobody waits for one
// that nobody asked for.
func unhurried(ctx context.Context) (progress func(done, total uint64)) {
	const rests = 3
	began := time.Now()
	return func(uint64, uint64) {
		wait(ctx, rests*time.Since(began))
		began = time.Now()
	}
}

// hearReports takes over what other processes find.
func (b *Bus) hearReports(ctx context.Context) {
	for ctx.Err() == nil {
		bucket, err := b.Bucket(ctx, bucketIntegrity)
		if err == nil {
			err = bucket.Watch(ctx, keyReport, func(entries []bus.Entry) {
				var report chain.Report
				if last := entries[len(entries)-1]; !last.Deleted && json.Unmarshal(last.Value, &report) == nil {
					b.judge(report)
				}
			}, nil)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("what is found of EVENTS elsewhere is not heard; trying again", "error", err)
			wait(ctx, chainRetry)
		}
	}
}

// judge takes a report for the state of EVENTS, unless a later one is known.
func (b *Bus) judge(report chain.Report) {
	for {
		known := b.report.Load()
		if known != nil && !report.CheckedAt.After(known.CheckedAt) {
			return
		}
		if b.report.CompareAndSwap(known, &report) {
			b.tellDamage(known, report)
			return
		}
	}
}

func (b *Bus) tellDamage(known *chain.Report, report chain.Report) {
	was := known != nil && !known.Whole
	switch {
	case !report.Whole:
		b.metrics.damaged.Set(1)
		b.log.Error("EVENTS is damaged and is not written to any more: restore it from a backup",
			"damage", report.Reason(), "damaged", report.Damaged, "events", report.Events)
	case was:
		b.metrics.damaged.Set(0)
		b.log.Info("EVENTS is whole again, and written to", "events", report.Events)
	}
}

// Integrity returns what the last check of EVENTS found, in whichever process; not ok before the first.
func (b *Bus) Integrity() (report chain.Report, ok bool) {
	if known := b.report.Load(); known != nil {
		return *known, true
	}
	return report, false
}

// intact returns bus.ErrCorrupt, with what is wrong, when EVENTS is damaged.
func (b *Bus) intact() error {
	if report := b.report.Load(); report != nil && !report.Whole {
		return fmt.Errorf("%w: %s", bus.ErrCorrupt, report.Reason())
	}
	return nil
}
