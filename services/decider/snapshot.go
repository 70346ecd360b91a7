package decider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// snapshotBucket holds nothing but the decider's snapshot.
	snapshotBucket = "snapshots"
	// pieceSize bounds one key, in bytes: well under the largest message that NATS takes.
	pieceSize = 512 << 10
	// snapshotVersion is that of the form of a snapshot; one of another form is not read.
	snapshotVersion = 1
	// snapshotShare bounds what snapshots cost: one that took t is not followed by another within
	// snapshotShare·t.
	snapshotShare = 50
	// snapshotTimeout bounds the writing of one.
	snapshotTimeout = 30 * time.Second
	// lastSnapshotTimeout bounds that of the last one, on which a shutdown waits.
	lastSnapshotTimeout = 5 * time.Second
)

// manifest is the checkpoint of the bucket: what the snapshot consists of and how far it goes. It
// is written in one with the pieces.
type manifest struct {
	Version int    `json:"version"`
	Holder  string `json:"holder"`
	// Fence is that of the lease under which it was written.
	Fence   uint64    `json:"fence"`
	Events  uint64    `json:"events"`
	Results uint64    `json:"results"`
	At      time.Time `json:"at"`
	Board   document  `json:"board"`
	Tallies document  `json:"tallies"`
}

// document is a text kept in pieces.
type document struct {
	Pieces int    `json:"pieces"`
	Size   int    `json:"size"`
	CRC    uint32 `json:"crc32"`
}

// snapshots writes them. The loop owns it; the writer works on copies and reports by done.
type snapshots struct {
	bucket  bus.Bucket
	opt     Options
	metrics *metrics
	fence   uint64
	// revision is the checkpoint's, latest what it says.
	revision uint64
	latest   manifest
	// at is when the last was begun, took how long it took.
	at   time.Time
	took time.Duration
	done chan outcome
	busy bool
}

// outcome is what became of a snapshot.
type outcome struct {
	revision uint64
	latest   manifest
	took     time.Duration
	err      error
}

func openSnapshots(ctx context.Context, b Bus, opt Options, m *metrics, fence uint64) (*snapshots, error) {
	bucket, err := b.Bucket(ctx, snapshotBucket)
	if err != nil {
		return nil, fmt.Errorf("open the snapshots: %w", err)
	}
	return &snapshots{bucket: bucket, opt: opt, metrics: m, fence: fence, at: opt.Now(), done: make(chan outcome, 1)}, nil
}

// maybeSnapshot takes a snapshot when it is time for one and all that was decided is durable.
func (l *leader) maybeSnapshot(ctx context.Context, now time.Time) error {
	s := l.kept
	select {
	case o := <-s.done:
		if err := s.conclude(o); err != nil {
			return err
		}
	default:
	}
	every := max(s.opt.SnapshotEvery, snapshotShare*s.took)
	if s.busy || now.Sub(s.at) < every || !l.canSnapshot() {
		return nil
	}
	s.busy, s.at = true, now
	write := s.prepare(l)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
		defer cancel()
		s.done <- write(ctx)
	}()
	return nil
}

func (l *leader) canSnapshot() bool {
	changed := l.kept.latest.Events != l.board.Sequence() || l.kept.latest.Results != l.results
	return changed && l.isReady && !l.behind && len(l.pending) == 0
}

// lastSnapshot takes one at the end of a term, so that the next begins where this one ended. The
// writer is not at work any more.
func (l *leader) lastSnapshot(ctx context.Context) {
	if l.kept.busy || !l.canSnapshot() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSnapshotTimeout)
	defer cancel()
	for range 2 { // the second time it knows of a write whose answer was lost
		o := l.kept.prepare(l)(ctx)
		if err := l.kept.conclude(o); o.err == nil || err != nil {
			return
		}
	}
}

// wait waits for the writer.
func (s *snapshots) wait() {
	if s.busy {
		_ = s.conclude(<-s.done) // a failure has been counted; the next term begins from the one before
	}
}

// conclude takes back what became of a snapshot; errSuperseded ends the term.
func (s *snapshots) conclude(o outcome) error {
	s.busy, s.took = false, o.took
	s.revision, s.latest = o.revision, o.latest
	if o.err == nil {
		s.metrics.snapshots.Observe(o.took.Seconds())
		return nil
	}
	s.metrics.failures.WithLabelValues("snapshot").Inc()
	s.opt.Log.Warn("snapshot was not written", "error", o.err)
	if errors.Is(o.err, errSuperseded) {
		return o.err
	}
	return nil
}

// prepare copies the state, which is quick, and returns what writes the copy.
func (s *snapshots) prepare(l *leader) func(context.Context) outcome {
	next := manifest{
		Version: snapshotVersion, Holder: s.opt.Holder, Fence: s.fence, At: l.now().UTC(),
		Events: l.board.Sequence(), Results: l.results, Board: s.latest.Board,
	}
	var board *monitor.Board
	if s.latest.Version != snapshotVersion || s.latest.Events != next.Events {
		board = l.board.Clone()
	}
	tallies := l.tallies.Clone()
	before, revision := s.latest, s.revision
	return func(ctx context.Context) outcome {
		started := s.opt.Now()
		o := s.write(ctx, board, tallies, before, next, revision)
		o.took = s.opt.Now().Sub(started)
		return o
	}
}

// write writes what changed and the manifest at once. board is nil where it has not changed.
func (s *snapshots) write(ctx context.Context, board *monitor.Board, tallies *monitor.Tallies, before, next manifest, revision uint64) outcome {
	failed := func(err error) outcome { return outcome{revision: revision, latest: before, err: err} }
	puts := make(map[string][]byte)
	if board != nil {
		text, err := json.Marshal(board)
		if err != nil {
			return failed(fmt.Errorf("encode the board: %w", err))
		}
		next.Board = cut(puts, "board", text, before.Board.Pieces)
	}
	text, err := json.Marshal(tallies)
	if err != nil {
		return failed(fmt.Errorf("encode the tallies: %w", err))
	}
	next.Tallies = cut(puts, "tallies", text, before.Tallies.Pieces)
	if len(puts) > bus.MaxFlush {
		return failed(fmt.Errorf("a snapshot of %d pieces is too large to be written at once", len(puts)))
	}
	checkpoint, err := json.Marshal(next)
	if err != nil {
		return failed(fmt.Errorf("encode the manifest: %w", err))
	}
	written, err := s.bucket.Flush(ctx, puts, checkpoint, revision)
	if err == nil {
		return outcome{revision: written, latest: next}
	}
	var conflict *bus.ConflictError
	if !errors.As(err, &conflict) {
		return failed(fmt.Errorf("write the snapshot: %w", err))
	}
	return s.reconcile(ctx, err, failed)
}

// reconcile finds out who moved the checkpoint: this process, with a write whose answer was lost, or
// a predecessor's last one, or a successor.
func (s *snapshots) reconcile(ctx context.Context, cause error, failed func(error) outcome) outcome {
	there, revision, err := s.manifest(ctx)
	switch {
	case err != nil:
		return failed(errors.Join(cause, err))
	case there.Fence > s.fence:
		return failed(fmt.Errorf("%w: its fence is %d, mine %d", errSuperseded, there.Fence, s.fence))
	}
	return outcome{revision: revision, latest: there, err: fmt.Errorf("%w; the next snapshot replaces that of %s", cause, there.Holder)}
}

// cut divides a text into pieces, and removes those that a longer text left.
func cut(puts map[string][]byte, name string, text []byte, before int) document {
	d := document{Size: len(text), CRC: crc32.ChecksumIEEE(text)}
	for ; len(text) > 0; d.Pieces++ {
		n := min(pieceSize, len(text))
		puts[pieceKey(name, d.Pieces)] = text[:n]
		text = text[n:]
	}
	for extra := d.Pieces; extra < before; extra++ {
		puts[pieceKey(name, extra)] = nil
	}
	return d
}

func pieceKey(name string, i int) string { return fmt.Sprintf("%s.%s.%d", lease, name, i) }

// manifest reads the checkpoint; a revision of 0 says that there is none.
func (s *snapshots) manifest(ctx context.Context) (manifest, uint64, error) {
	var m manifest
	entry, err := s.bucket.Get(ctx, bus.CheckpointKey)
	switch {
	case errors.Is(err, bus.ErrNoKey):
		return m, 0, nil
	case err != nil:
		return m, 0, fmt.Errorf("read the snapshot's manifest: %w", err)
	}
	if err := json.Unmarshal(entry.Value, &m); err != nil {
		return manifest{}, entry.Revision, fmt.Errorf("read the snapshot's manifest: %w", err)
	}
	return m, entry.Revision, nil
}
