package projector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// ledger is the table of generations as one term reads and writes it. Every write carries an
// expectation and the fence, so that a former holder of the lease changes nothing.
type ledger struct {
	bus    Bus
	bucket bus.Bucket
	fence  uint64
}

func openLedger(ctx context.Context, b Bus, fence uint64) (*ledger, error) {
	bucket, err := b.Bucket(ctx, readmodel.GenerationsBucket)
	if err != nil {
		return nil, fmt.Errorf("open the table of generations: %w", err)
	}
	return &ledger{bus: b, bucket: bucket, fence: fence}, nil
}

// maxConflicts bounds how often one change is tried: only the other projections of this projector are
// in its way.
const maxConflicts = 100

// change changes the lineage of a projection, if change says that it did, and returns it. change may
// be called several times, and once more after it has taken effect.
func (l *ledger) change(ctx context.Context, name string, change func(*readmodel.Lineage) bool) (readmodel.Lineage, error) {
	for range maxConflicts {
		lineage, err := l.changeOnce(ctx, name, change)
		var conflict *bus.ConflictError
		if !errors.As(err, &conflict) {
			return lineage, err
		}
	}
	return readmodel.Lineage{}, fmt.Errorf("change the table of generations: %d conflicts in a row", maxConflicts)
}

func (l *ledger) changeOnce(ctx context.Context, name string, change func(*readmodel.Lineage) bool) (readmodel.Lineage, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	table, revision, err := l.read(ctx)
	if err != nil {
		return readmodel.Lineage{}, err
	}
	if table.Fence > l.fence {
		return readmodel.Lineage{}, fmt.Errorf("%w: its fence is %d, mine %d", errSuperseded, table.Fence, l.fence)
	}
	lineage, known := table.Lineage(name)
	if !known {
		if lineage, err = l.find(ctx, name); err != nil {
			return readmodel.Lineage{}, err
		}
	}
	if changed := change(&lineage); known && !changed {
		return lineage, nil
	}
	if table.Of == nil {
		table.Of = make(map[string]readmodel.Lineage)
	}
	table.Fence, table.Of[name] = l.fence, lineage
	raw, err := json.Marshal(table)
	if err != nil {
		return readmodel.Lineage{}, fmt.Errorf("encode the table of generations: %w", err)
	}
	if _, err := l.bucket.Flush(ctx, nil, raw, revision); err != nil && !l.holds(ctx, raw) {
		return readmodel.Lineage{}, fmt.Errorf("write the table of generations: %w", err)
	}
	return lineage, nil
}

// holds reports whether the table is the one that was written: its answer was lost, then.
func (l *ledger) holds(ctx context.Context, raw []byte) bool {
	entry, err := l.bucket.Get(ctx, bus.CheckpointKey)
	return err == nil && bytes.Equal(entry.Value, raw)
}

// read returns the table and its revision; an empty one when there is none, or none that can be read.
func (l *ledger) read(ctx context.Context) (readmodel.Generations, uint64, error) {
	entry, err := l.bucket.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		return readmodel.Generations{}, 0, nil
	}
	if err != nil {
		bucket, openErr := l.bus.Bucket(ctx, readmodel.GenerationsBucket) // somebody may have deleted it
		if openErr != nil {
			return readmodel.Generations{}, 0, fmt.Errorf("read the table of generations: %w", err)
		}
		if entry, err = bucket.Get(ctx, bus.CheckpointKey); errors.Is(err, bus.ErrNoKey) {
			return readmodel.Generations{}, 0, nil
		}
		if err != nil {
			return readmodel.Generations{}, 0, fmt.Errorf("read the table of generations: %w", err)
		}
	}
	table, err := readmodel.ReadGenerations(entry.Value)
	if err != nil {
		return readmodel.Generations{}, entry.Revision, nil //nolint:nilerr // it is found out again from the buckets
	}
	return table, entry.Revision, nil
}

// find makes a lineage out of the buckets, where the table has none: at the first start, after an
// upgrade from a version without generations, and when the table was lost. The newest generation that
// was completed serves.
func (l *ledger) find(ctx context.Context, name string) (readmodel.Lineage, error) {
	lineage := readmodel.Lineage{Serving: 1, Latest: 1}
	numbers, err := l.generations(ctx, name)
	if err != nil {
		return lineage, err
	}
	for _, n := range numbers {
		lineage.Latest = max(lineage.Latest, n)
		bucket, err := l.bus.Bucket(ctx, readmodel.BucketOf(name, n))
		if err != nil {
			return lineage, fmt.Errorf("open generation %d: %w", n, err)
		}
		entry, err := bucket.Get(ctx, bus.CheckpointKey)
		if errors.Is(err, bus.ErrNoKey) {
			continue
		}
		if err != nil {
			return lineage, fmt.Errorf("read the checkpoint of generation %d: %w", n, err)
		}
		var c checkpoint
		if err := json.Unmarshal(entry.Value, &c); err == nil && !c.Rebuilding && !c.Inheriting {
			lineage.Serving = max(lineage.Serving, n)
		}
	}
	return lineage, nil
}

// generations returns the numbers of those that have a bucket.
func (l *ledger) generations(ctx context.Context, name string) ([]int, error) {
	buckets, err := l.bus.Buckets(ctx)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, bucket := range buckets {
		if n, ok := readmodel.GenerationOf(name, bucket); ok {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// clean deletes the buckets of generations that the lineage does not name, as they are left by a
// death between changing the table and deleting. It passes over those that are newer than the lineage.
func (l *ledger) clean(ctx context.Context, name string, lineage readmodel.Lineage) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	numbers, err := l.generations(ctx, name)
	for _, n := range numbers {
		if n <= lineage.Latest && n != lineage.Serving && n != lineage.Previous && n != lineage.Building {
			err = errors.Join(err, l.bus.DeleteBucket(ctx, readmodel.BucketOf(name, n)))
		}
	}
	return err
}

// tell writes what others may want to know; nobody's work depends on it.
func (l *ledger) tell(ctx context.Context, key string, value any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return l.bucket.Put(ctx, key, raw)
}
