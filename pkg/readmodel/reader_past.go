package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Past calls each with the results of a check that were due at a time and later, in the order in
// which they came; earlier ones may be among them. It reports whether the history still holds all of
// those. The check need not exist any more.
func (r *Reader) Past(ctx context.Context, checkID string, since time.Time, each func(monitor.Result)) (whole bool, err error) {
	bucket, err := r.bucket(historyBucket)
	if err != nil {
		return false, err
	}
	entry, err := bucket.Get(ctx, openPrefix+token(checkID))
	if errors.Is(err, bus.ErrNoKey) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("past of check %s: %w", checkID, err)
	}
	open, err := readChunk(entry.Value)
	if err != nil {
		return false, fmt.Errorf("past of check %s: %w", checkID, err)
	}
	chunks, whole, err := pastChunks(ctx, bucket, open, since)
	if err != nil {
		return false, fmt.Errorf("past of check %s: %w", checkID, err)
	}
	for _, c := range slices.Backward(chunks) {
		results, err := c.results()
		if err != nil {
			return false, fmt.Errorf("past of check %s: %w", checkID, err)
		}
		for _, result := range results {
			each(result)
		}
	}
	return whole, nil
}

// pastChunks returns the chunks from the open one back to a time, still packed, newest first.
func pastChunks(ctx context.Context, bucket bus.Bucket, open *chunk, since time.Time) (chunks []*chunk, whole bool, err error) {
	before := since.Add(-dueSkew)
	chunks = []*chunk{open}
	oldest := max(0, open.Number-keptChunks+1)
	for number := open.Number - 1; number >= oldest; {
		last := chunks[len(chunks)-1]
		if last.Count > 0 && last.Newest.Before(before) {
			return chunks, true, nil
		}
		var keys []string
		for ; number >= oldest && len(keys) < atOnce; number-- {
			keys = append(keys, chunkKey(open.Check, number))
		}
		some := make([]*chunk, len(keys))
		err := fetch(ctx, bucket, keys, func(i int, raw []byte) (err error) {
			some[i], err = readChunk(raw)
			return err
		})
		if err != nil {
			return nil, false, err
		}
		for i, c := range some {
			if c == nil || c.Number != number+len(keys)-i {
				return chunks, false, nil // written over meanwhile
			}
			chunks = append(chunks, c)
		}
	}
	last := chunks[len(chunks)-1]
	return chunks, last.First == 0 || last.Newest.Before(before), nil
}
