package decider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// errUnreadable: the snapshot is damaged or of another form; the logs hold all that it held.
var errUnreadable = errors.New("snapshot cannot be used")

// load brings the state up to the end of EVENTS: from the snapshot, or from the logs alone.
func load(ctx context.Context, b Bus, kept *snapshots, opt Options, m *metrics) (*leader, error) {
	l := newLeader(b, opt, m)
	l.kept = kept
	l.board, l.tallies = monitor.NewBoard(), monitor.NewTallies()
	board, tallies, results, err := kept.read(ctx)
	switch {
	case errors.Is(err, errUnreadable):
		m.failures.WithLabelValues("snapshot").Inc()
		opt.Log.Error("the snapshot cannot be used; reading the logs from their beginning", "error", err)
	case err != nil:
		return nil, err
	case board != nil:
		l.board, l.tallies, l.results = board, tallies, results
	}
	last, err := b.LastResult(ctx)
	if err != nil {
		return nil, fmt.Errorf("end of the results: %w", err)
	}
	if l.results > last {
		opt.Log.Error("the results are fewer than were counted: the log was begun anew; counting from its beginning",
			"counted", l.results, "last", last)
		l.tallies, l.results = monitor.NewTallies(), 0
	}
	l.behind = true
	if err := l.catchUp(ctx); err != nil {
		return nil, err
	}
	if n := l.board.ForgetPositions(last); n > 0 {
		opt.Log.Warn("statuses were decided by results that are no more", "checks", n)
	}
	l.applied = l.results
	l.presence = newPresence(l.board.Runners(), opt.Now())
	alive, err := kept.lastAlive(ctx)
	if err != nil {
		return nil, err
	}
	if !alive.IsZero() {
		l.wasDeaf(alive, opt.Now())
	}
	return l, nil
}

// attempts is how often a snapshot is read that changes under the reader.
const attempts = 5

// read returns the snapshot, or nil where there is none.
func (s *snapshots) read(ctx context.Context) (*monitor.Board, *monitor.Tallies, uint64, error) {
	for range attempts {
		m, revision, err := s.manifest(ctx)
		s.revision = revision
		if err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				err = fmt.Errorf("%w: %w", errUnreadable, err)
			}
			return nil, nil, 0, err
		}
		if revision == 0 {
			return nil, nil, 0, nil
		}
		if m.Version != snapshotVersion {
			return nil, nil, 0, fmt.Errorf("%w: it is of version %d, this program reads %d", errUnreadable, m.Version, snapshotVersion)
		}
		board, tallies := monitor.NewBoard(), monitor.NewTallies()
		err = errors.Join(s.join(ctx, "board", m.Board, board), s.join(ctx, "tallies", m.Tallies, tallies))
		if err == nil {
			s.latest = m
			return board, tallies, m.Results, nil
		}
		if !errors.Is(err, errUnreadable) {
			return nil, nil, 0, err
		}
		// Pieces and manifest may be of two snapshots: a predecessor wrote in between.
		_, now, again := s.manifest(ctx)
		if again != nil {
			return nil, nil, 0, again
		}
		if now == revision {
			// The next one replaces every piece.
			s.latest = manifest{Board: m.Board, Tallies: m.Tallies}
			return nil, nil, 0, err
		}
	}
	return nil, nil, 0, fmt.Errorf("the snapshot changed %d times while it was read: %w", attempts, errSuperseded)
}

// join puts a document's pieces together and decodes it.
func (s *snapshots) join(ctx context.Context, name string, d document, into json.Unmarshaler) error {
	var text []byte
	for i := range d.Pieces {
		entry, err := s.bucket.Get(ctx, pieceKey(name, i))
		if err != nil {
			err = fmt.Errorf("read the snapshot's %s, piece %d: %w", name, i, err)
			if errors.Is(err, bus.ErrNoKey) {
				err = fmt.Errorf("%w: %w", errUnreadable, err)
			}
			return err
		}
		text = append(text, entry.Value...)
	}
	if len(text) != d.Size || crc32.ChecksumIEEE(text) != d.CRC {
		return fmt.Errorf("%w: %s is damaged", errUnreadable, name)
	}
	if err := into.UnmarshalJSON(text); err != nil {
		return fmt.Errorf("%w: %s: %w", errUnreadable, name, err)
	}
	return nil
}
