package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
)

// progressEvery is after how many events the progress of a verification is told.
const progressEvery = 1000

// Verify reads all of EVENTS and compares it with the chain that is kept beside it, with the mark of
// the last check, and with heads that were kept elsewhere; progress, which may be nil, is told how far
// it has come. What it finds is what the integrity of EVENTS is from then on, for all processes:
// with damage it is not written to any more. An error says that EVENTS could not be read, and
// nothing of its state.
func (b *Bus) Verify(ctx context.Context, expect []chain.Head, progress func(done, total uint64)) (chain.Report, error) {
	started := time.Now()
	state, err := b.state(ctx, streamEvents)
	if err != nil {
		return chain.Report{}, err
	}
	v := &verification{report: chain.Report{First: state.FirstSeq, Last: state.LastSeq, Damage: []chain.Damage{}}, next: 1, expect: expect}
	if err := v.load(ctx, b); err != nil {
		return chain.Report{}, err
	}
	if state.LastSeq > 0 {
		if err := b.readEvents(ctx, state.LastSeq, func(e chain.Event) error {
			if progress != nil && e.Sequence%progressEvery == 0 {
				progress(e.Sequence, state.LastSeq)
			}
			return v.take(ctx, e)
		}); err != nil {
			return chain.Report{}, err
		}
	}
	v.end()
	v.report.CheckedAt = time.Now().UTC()
	v.report.TookMS = time.Since(started).Milliseconds()
	return v.report, b.conclude(ctx, v)
}

// verification is one reading of EVENTS.
type verification struct {
	report chain.Report
	// pages are those of the chain, page the one at hand, kept where the chain ends.
	pages bus.Bucket
	page  chain.Page
	kept  uint64
	// mark is the last event of the last check; lastID the id of the last event read.
	mark   mark
	lastID string
	expect []chain.Head
	// next is the event that is to come; broken says that the heads differ from those kept.
	next   uint64
	broken bool
}

func (v *verification) load(ctx context.Context, b *Bus) (err error) {
	if v.pages, err = b.Bucket(ctx, bucketChain); err != nil {
		return err
	}
	page, _, err := loadChain(ctx, v.pages)
	if err != nil {
		return fmt.Errorf("the chain kept beside EVENTS cannot be used: %w", err)
	}
	v.kept = page.Head.Sequence
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	entry, err := marks.Get(ctx, keyMark)
	if errors.Is(err, bus.ErrNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(entry.Value, &v.mark); err != nil {
		return fmt.Errorf("read the mark of the last check: %w", err)
	}
	return nil
}

// take compares the next event.
func (v *verification) take(ctx context.Context, e chain.Event) error {
	if e.Sequence > v.next {
		v.report.AddAll(v.next, e.Sequence-1, chain.Missing)
		v.broken = true
	}
	v.next = e.Sequence + 1
	v.report.Events++
	digest := e.Digest()
	v.report.Head = chain.Head{Sequence: e.Sequence - 1, Hash: v.report.Head.Hash}.Next(digest)
	v.lastID = headerOf(e.Headers)("ce-id")
	same := e.Sequence != v.mark.Sequence || v.lastID == v.mark.ID
	if e.Sequence <= v.kept {
		inPage, err := v.compare(ctx, e.Sequence, digest)
		if err != nil {
			return err
		}
		same = same && inPage
	}
	if !same {
		v.report.Add(e.Sequence, chain.Changed)
		v.broken = true
	}
	v.compareHeads(e.Sequence)
	return nil
}

// compare tells whether an event is as the chain has it.
func (v *verification) compare(ctx context.Context, sequence uint64, digest chain.Hash) (same bool, err error) {
	mark, ok := v.page.Mark(sequence)
	if !ok {
		v.page, err = loadPage(ctx, v.pages, chain.PageOf(sequence))
		if err != nil && !errors.Is(err, bus.ErrNoKey) {
			return false, err
		}
		mark, ok = v.page.Mark(sequence)
	}
	if !ok {
		return false, fmt.Errorf("the chain kept beside EVENTS has lost its page for event %d", sequence)
	}
	v.report.Compared = sequence
	return mark == chain.MarkOf(digest), nil
}

// compareHeads compares the head after an event with that at the end of a page, and with those that
// were kept elsewhere.
func (v *verification) compareHeads(sequence uint64) {
	if sequence == v.page.Head.Sequence && sequence <= v.kept && !v.broken && v.page.Head != v.report.Head {
		v.report.AddAll(chain.First(v.page.Number()), sequence, "does not fit the head kept after them")
		v.broken = true
	}
	for _, head := range v.expect {
		if head.Sequence == sequence && head != v.report.Head {
			v.report.Add(sequence, "has the head "+v.report.Head.String()+" and not the one expected")
			v.broken = true
		}
	}
}

// end finds what is missing at the end.
func (v *verification) end() {
	last := max(v.report.Last, v.kept, v.mark.Sequence)
	for _, head := range v.expect {
		last = max(last, head.Sequence)
	}
	if v.next <= last {
		v.report.AddAll(v.next, last, chain.Missing)
	}
	v.report.Whole = v.report.Damaged == 0
}

// conclude keeps what was found, for all processes.
func (b *Bus) conclude(ctx context.Context, v *verification) error {
	b.judge(v.report)
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(v.report)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := marks.Put(ctx, keyReport, raw); err != nil || !v.report.Whole || v.lastID == "" {
		return err
	}
	raw, err = json.Marshal(mark{Sequence: v.report.Last, ID: v.lastID})
	if err != nil {
		return fmt.Errorf("encode the mark of this check: %w", err)
	}
	return marks.Put(ctx, keyMark, raw)
}

// readEvents calls each with the events up to last that can be read, in order.
func (b *Bus) readEvents(ctx context.Context, last uint64, each func(chain.Event) error) error {
	consumer, err := b.js.OrderedConsumer(ctx, streamEvents, jetstream.OrderedConsumerConfig{InactiveThreshold: time.Minute})
	if err != nil {
		return fmt.Errorf("read EVENTS: %w", err)
	}
	defer b.dismiss(streamEvents, consumer)
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(2*maxTail, maxPulled))
	if err != nil {
		return fmt.Errorf("read EVENTS: %w", err)
	}
	defer messages.Stop()
	for {
		waiting, cancel := context.WithTimeout(ctx, requestTimeout)
		m, err := messages.Next(jetstream.NextContext(waiting))
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return nil // nothing more comes: what is missing is missing
		}
		event, err := chainEvent(m)
		if err != nil {
			return err
		}
		if event.Sequence > last {
			return nil
		}
		if err := each(event); err != nil {
			return err
		}
		if meta, err := m.Metadata(); event.Sequence == last || err == nil && meta.NumPending == 0 {
			return nil
		}
	}
}
