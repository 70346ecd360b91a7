package readmodel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

const tracesBucket = "traces"

const (
	// resultsPerTrace is how many results share a block.
	resultsPerTrace = 512
	// traceDays is how many days are kept: as many as RESULTS by default, and those at hand.
	traceDays = 33
	// A journal holds the results of journalSpan messages of RESULTS; there are journals of the last
	// journals times as many.
	journalSpan = 64
	journals    = 256
)

// The keys of the traces: open.<check> is the block at hand as it was when it was last written,
// trace.<check>.<day>.<part> are those that are full or of a day that is over, in a ring of days;
// journal.<n> is what came since, of all checks. began says when the first result was stored, where
// there had been others before it.
const (
	tracePrefix   = "trace."
	journalPrefix = "journal."
	beganKey      = "began"
)

// traces is the read model of what the results of each check were, in few bytes each: of all checks
// as long as RESULTS keeps them.
//
// Were every block written with every result, nearly all that is written would be written again. So
// what comes is written to a journal, which all checks share, and a block when it is full, or when the
// journal that holds the first of what it has not written comes to its end.
type traces struct {
	checks map[string]*traceTail
	// full and open are blocks that are not written yet, open those at hand as they were when their turn
	// came.
	full, open map[string][]byte
	// book is the journal at hand, ended are those before it that are not written yet, by key.
	book  journal
	ended map[string]journal
	// owed are, by journal, the checks whose first unwritten result it holds.
	owed map[int64][]string
	// written says that the journal is to be.
	written bool
	began   *tracesBegan
	// span and kept are journalSpan and journals, size is resultsPerTrace, but in tests.
	span uint64
	kept int64
	size int
}

// tracesBegan says from when on there are traces.
type tracesBegan struct {
	Sequence uint64    `json:"sequence"`
	StoredAt time.Time `json:"stored_at"`
	dirty    bool
}

// traceTail is the block at hand of a check.
type traceTail struct {
	*trace.Block
	// since is the journal that holds the first result that is not written, -1 when all are.
	since int64
}

func newTraces() *traces {
	return &traces{
		checks: make(map[string]*traceTail), full: make(map[string][]byte), open: make(map[string][]byte), owed: make(map[int64][]string),
		book: journal{Number: -1}, ended: make(map[string]journal), span: journalSpan, kept: journals, size: resultsPerTrace,
	}
}

func (*traces) Name() string { return tracesBucket }

func (*traces) Version() int { return 1 }

func (*traces) OfResults() bool { return true }

// Needs implements Projection.
func (*traces) Needs() []string {
	return []string{openPrefix + "*", journalPrefix + "*", beganKey}
}

// Apply implements Projection.
func (t *traces) Apply(m monitor.EventMessage) {
	r, check, ok := trace.Of(m)
	if !ok {
		return
	}
	if t.began == nil {
		t.began = &tracesBegan{Sequence: m.Sequence, StoredAt: storedAt(m).UTC(), dirty: true}
	}
	t.turn(int64(m.Sequence / t.span))
	t.take(check, r, t.book.Number)
	if r.Position.After(t.book.Last) {
		t.book.add(check, r)
		t.written = true
	}
}

// turn goes on to another journal. What only the one that it takes the place of holds is written.
func (t *traces) turn(number int64) {
	if number <= t.book.Number {
		return
	}
	for owed, checks := range t.owed {
		if owed > number-t.kept {
			continue
		}
		for _, check := range checks {
			if tail := t.checks[check]; tail != nil && tail.since == owed {
				tail.since = -1
				t.open[openPrefix+token(check)] = traceBytes(tail.Block)
			}
		}
		delete(t.owed, owed)
	}
	if t.written { // a flush may come only after several
		t.ended[t.book.key(t.kept)] = t.book
		t.written = false
	}
	t.book = journal{Number: number}
}

// take adds a result to its check's block, unless it is there already.
func (t *traces) take(check string, r trace.Result, number int64) {
	day := floorDiv(r.StoredAt, int64(24*time.Hour))
	tail := t.checks[check]
	switch {
	case tail == nil:
		tail = &traceTail{Block: trace.NewBlock(check, day, 0), since: -1}
		t.checks[check] = tail
	case !r.Position.After(tail.Position):
		return
	case day > tail.Day:
		t.close(tail, day, 0)
	case tail.Count >= t.size:
		t.close(tail, tail.Day, tail.Part+1)
	}
	tail.Add(r)
	if tail.since < 0 {
		tail.since = number
		t.owed[number] = append(t.owed[number], check)
	}
}

// close keeps a block for good, and begins another.
func (t *traces) close(tail *traceTail, day int64, part int) {
	if tail.Count > 0 {
		t.full[traceKey(tail.Check, tail.Day, tail.Part)] = traceBytes(tail.Block)
	}
	next := trace.NewBlock(tail.Check, day, part)
	next.Position = tail.Position
	tail.Block = next
}

func traceKey(check string, day int64, part int) string {
	return fmt.Sprintf("%s%s.%d.%d", tracePrefix, token(check), slot(day, traceDays), part)
}

// traceBytes writes a block, which always succeeds.
func traceBytes(b *trace.Block) []byte {
	raw, err := b.Bytes()
	if err != nil {
		panic(fmt.Sprintf("readmodel: %v", err))
	}
	return raw
}

// Dirty implements Projection. Full blocks come before those at hand, which go on after them. The
// journals come last, and in order: they take the place of older ones, which hold what the blocks do by
// then.
func (t *traces) Dirty() []Change {
	var full, open, changes []Change
	for key, value := range t.full {
		full = append(full, Change{key, value})
	}
	for key, value := range t.open {
		open = append(open, Change{key, value})
	}
	if t.began != nil && t.began.dirty {
		t.began.dirty = false
		changes = append(changes, Change{beganKey, encode(t.began)})
	}
	changes = slices.Concat(changes, sorted(full), sorted(open))
	for _, book := range inOrder(slices.Collect(maps.Values(t.ended))) {
		changes = append(changes, Change{book.key(t.kept), book.bytes()})
	}
	if t.written {
		changes = append(changes, Change{t.book.key(t.kept), t.book.bytes()})
		t.written = false
	}
	clear(t.ended)
	clear(t.full)
	clear(t.open)
	return changes
}

// Restore implements Projection.
func (t *traces) Restore(entries []bus.Entry) error {
	var books []journal
	for _, e := range entries {
		var err error
		switch {
		case e.Key == beganKey:
			t.began = &tracesBegan{}
			err = json.Unmarshal(e.Value, t.began)
		case strings.HasPrefix(e.Key, openPrefix):
			err = t.restoreOpen(e)
		case strings.HasPrefix(e.Key, journalPrefix):
			var book journal
			if book, err = readJournal(e.Value); err == nil {
				books = append(books, book)
			}
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	for _, book := range inOrder(books) {
		if err := book.each(func(check string, r trace.Result) { t.take(check, r, book.Number) }); err != nil {
			return fmt.Errorf("journal %d: %w", book.Number, err)
		}
		t.book = book
	}
	clear(t.full) // they were written, or will be when the same is folded again
	return nil
}

func (t *traces) restoreOpen(e bus.Entry) error {
	b, err := trace.Reopen(e.Value)
	if err != nil {
		return err
	}
	if openPrefix+token(b.Check) != e.Key {
		return fmt.Errorf("it holds %q", b.Check)
	}
	t.checks[b.Check] = &traceTail{Block: b, since: -1}
	return nil
}
