package readmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// decodeBegan reads from when on there are traces.
func decodeBegan(e bus.Entry) (func(*Reader), error) {
	if e.Key != beganKey || e.Deleted {
		return func(r *Reader) { r.bygone.began = tracesBegan{} }, nil
	}
	var began tracesBegan
	if err := json.Unmarshal(e.Value, &began); err != nil {
		return nil, err
	}
	return func(r *Reader) { r.bygone.began = began }, nil
}

// TracesKeptSince is from when on the traces of results are kept: zero where none was ever dropped.
// Not ok while they are built.
func (r *Reader) TracesKeptSince() (since time.Time, ok bool) {
	oldest := time.Unix(0, 0).Add(time.Duration(floorDiv(r.now().Unix(), 24*3600)-traceDays+1) * 24 * time.Hour).UTC()
	r.mu.RLock()
	defer r.mu.RUnlock()
	state, began := r.states[tracesBucket], r.bygone.began
	if state.FlushedAt.IsZero() || state.Rebuilding {
		return time.Time{}, false
	}
	switch {
	case began.Sequence > 1 && began.StoredAt.After(oldest):
		return began.StoredAt, true
	case began.Sequence == 0 || began.StoredAt.After(oldest):
		return time.Time{}, true
	}
	return oldest, true
}

// Traces gives the traces of one check after the other. It holds what came since the blocks of the checks
// were last written, and is safe for concurrent use.
type Traces struct {
	bucket  bus.Bucket
	now     time.Time
	reached uint64
	// only is the one check that is asked about; empty for several.
	only string
	mu   sync.Mutex
	// since has what the journals hold, by check.
	since map[string][]trace.Result
}

// Reached is the message of RESULTS up to which the traces go.
func (t *Traces) Reached() uint64 { return t.reached }

// Traces opens the traces of some checks, or of all where none is named.
func (r *Reader) Traces(ctx context.Context, checks ...string) (*Traces, error) {
	bucket, err := r.bucket(tracesBucket)
	if err != nil {
		return nil, err
	}
	// The checkpoint is read first, so that blocks and journals hold all up to it.
	entry, err := bucket.Get(ctx, bus.CheckpointKey)
	if err != nil {
		return nil, fmt.Errorf("read how far the traces go: %w", err)
	}
	var state ProjectionState
	if err := json.Unmarshal(entry.Value, &state); err != nil {
		return nil, fmt.Errorf("read how far the traces go: %w", err)
	}
	t := &Traces{bucket: bucket, now: r.now(), reached: state.Results}
	if len(checks) == 1 {
		t.only = checks[0]
	}
	return t, nil
}

// journalled returns what the journals hold of a check. They are read once, when they are first asked for.
func (t *Traces) journalled(ctx context.Context, check string) ([]trace.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since != nil {
		return t.since[check], nil
	}
	entries, err := t.bucket.List(ctx, journalPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("read the journals of the traces: %w", err)
	}
	books := make([]journal, 0, len(entries))
	for _, e := range entries {
		book, err := readJournal(e.Value)
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
		books = append(books, book)
	}
	since := make(map[string][]trace.Result)
	for _, book := range inOrder(books) {
		if err := book.of(t.only, func(check string, r trace.Result) { since[check] = append(since[check], r) }); err != nil {
			return nil, fmt.Errorf("journal %d of the traces: %w", book.Number, err)
		}
	}
	t.since = since
	return since[check], nil
}

// Each calls take with the results of a check that were stored between two times, in the order in which
// they came; some from before the first of them may be among them. What take is given is overwritten by the next.
func (t *Traces) Each(ctx context.Context, check string, from, to time.Time, take func(*trace.Result)) error {
	last := monitor.Position{}
	until := to.UnixNano()
	give := func(r *trace.Result) bool {
		if !r.Position.After(last) { // a block that was written again is in two places
			return true
		}
		last = r.Position
		if r.StoredAt < until {
			take(r)
		}
		return r.StoredAt < until
	}
	blocks, err := t.blocks(ctx, check, from, to)
	if err != nil {
		return fmt.Errorf("traces of check %s: %w", check, err)
	}
	for _, b := range blocks {
		if b.Last < from.UnixNano() {
			continue
		}
		if err := b.Each(give); err != nil {
			return fmt.Errorf("traces of check %s: %w", check, err)
		}
	}
	if n := len(blocks); n > 0 && blocks[n-1].Last >= until {
		return nil // the journals hold only what is later
	}
	since, err := t.journalled(ctx, check)
	for i := range since {
		give(&since[i])
	}
	return err
}

// blocks reads the blocks of a check that hold anything of a time, in order, the one at hand last.
func (t *Traces) blocks(ctx context.Context, check string, from, to time.Time) ([]*trace.Block, error) {
	open, err := t.block(ctx, openPrefix+token(check))
	if err != nil && !errors.Is(err, bus.ErrNoKey) {
		return nil, err
	}
	today := floorDiv(t.now.Unix(), 24*3600)
	first := max(floorDiv(from.Unix(), 24*3600), today-traceDays+1)
	last := min(floorDiv(to.Unix(), 24*3600), today)
	found := make(map[tracePlace]*trace.Block)
	wanted := make([]tracePlace, 0, max(0, last-first+1))
	for day := first; day <= last; day++ {
		wanted = append(wanted, tracePlace{day, 0})
	}
	for len(wanted) > 0 {
		if err := t.find(ctx, check, wanted, found); err != nil {
			return nil, err
		}
		wanted = others(wanted, found)
	}
	var blocks []*trace.Block
	for day := first; day <= last; day++ {
		for part := 0; found[tracePlace{day, part}] != nil; part++ {
			blocks = append(blocks, found[tracePlace{day, part}])
		}
	}
	if open != nil {
		blocks = append(blocks, open)
	}
	return blocks, nil
}

// tracePlace is that of a full block.
type tracePlace struct {
	day  int64
	part int
}

// find reads the blocks that are at some places.
func (t *Traces) find(ctx context.Context, check string, places []tracePlace, found map[tracePlace]*trace.Block) error {
	keys := make([]string, len(places))
	for i, p := range places {
		keys[i] = traceKey(check, p.day, p.part)
	}
	return fetch(ctx, t.bucket, keys, func(i int, raw []byte) error {
		b, err := trace.Read(raw)
		if err != nil {
			return fmt.Errorf("entry %s: %w", keys[i], err)
		}
		if p := places[i]; b.Day == p.day && b.Part == p.part { // else one of an earlier round
			found[p] = b
		}
		return nil
	})
}

// others returns where more blocks of the days may be: as many as the first one makes likely, and one
// after the last that was looked for and is there.
func others(looked []tracePlace, found map[tracePlace]*trace.Block) []tracePlace {
	var more []tracePlace
	for _, p := range looked {
		switch likely := likelyParts(found[tracePlace{p.day, 0}]); {
		case found[p] == nil:
		case p.part == 0:
			for part := 1; part <= likely; part++ {
				more = append(more, tracePlace{p.day, part})
			}
		case p.part >= likely:
			more = append(more, tracePlace{p.day, p.part + 1})
		}
	}
	return more
}

// likelyParts is how many more blocks a day is likely to have after its first, by how long that lasted.
func likelyParts(first *trace.Block) int {
	const most = 64
	if first == nil {
		return 0
	}
	lasted := max(time.Minute, time.Duration(first.Last-first.First))
	return min(most, max(1, int((24*time.Hour-1)/lasted)))
}

func (t *Traces) block(ctx context.Context, key string) (*trace.Block, error) {
	entry, err := t.bucket.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	b, err := trace.Read(entry.Value)
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", key, err)
	}
	return b, nil
}
