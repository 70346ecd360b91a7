package readmodel

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// lookAgain is how often rows are computed anew though nothing came: uptime and coverage move with
// the hours as well.
const lookAgain = time.Minute

// BoardFollower tells what has changed on the board from one look to the next. It is not safe for
// concurrent use.
type BoardFollower struct {
	reader   *Reader
	rows     map[string]*followedRow
	services map[string]monitor.Service
	last     BoardChange
	again    time.Time
	// amended is the board's, as of the last look.
	amended uint64
}

// followedRow is a row with what it was made of: as long as that is the same, so is the row.
type followedRow struct {
	Row
	entry *checkEntry
	pulse *pulse
	stale bool
}

// FollowBoard returns a follower that knows nothing yet: its first change is the whole board.
func (r *Reader) FollowBoard() *BoardFollower {
	return &BoardFollower{reader: r, rows: make(map[string]*followedRow), services: make(map[string]monitor.Service)}
}

// Board answers from memory with everything that a board shows now.
func (r *Reader) Board(ctx context.Context) (Board, error) {
	r.recallSome(ctx)
	f := r.FollowBoard()
	f.Next()
	return f.Board(), nil
}

// Board is everything as of the last look.
func (f *BoardFollower) Board() Board {
	b := Board{
		At: f.last.At, Incidents: f.last.Incidents, Runners: f.last.Runners, Sequence: f.last.Sequence,
		Checks: make([]Row, 0, len(f.rows)), Services: make([]monitor.Service, 0, len(f.services)),
	}
	for _, row := range f.rows {
		b.Checks = append(b.Checks, row.Row)
	}
	slices.SortFunc(b.Checks, func(x, y Row) int { return strings.Compare(x.ID, y.ID) })
	for _, id := range slices.Sorted(maps.Keys(f.services)) {
		b.Services = append(b.Services, f.services[id])
	}
	return b
}

// Next looks at the board and returns what has changed since the last look.
func (f *BoardFollower) Next() BoardChange {
	r := f.reader
	now := r.now()
	all := !now.Before(f.again)
	if all {
		f.again = now.Add(lookAgain)
	}
	change := BoardChange{At: now.UTC()}
	r.mu.RLock()
	defer r.mu.RUnlock()
	all = all || f.amended != r.board.amended
	f.amended = r.board.amended
	f.look(&change, now, all)
	f.lookAtServices(&change, now)
	change.Incidents, change.Runners = r.board.counts()
	change.Sequence = r.states["checks"].Events
	f.last = BoardChange{At: change.At, Incidents: change.Incidents, Runners: change.Runners, Sequence: change.Sequence}
	return change
}

// look compares every check with its row. It is called with the reader's mu held.
func (f *BoardFollower) look(change *BoardChange, now time.Time, all bool) {
	b := f.reader.board
	for _, c := range b.sorted {
		stale := b.stale(c, now)
		known := f.rows[c.id]
		if known != nil && !all && known.entry == c.checkEntry && known.pulse == c.pulse && known.stale == stale {
			continue
		}
		next := &followedRow{Row: b.row(c, now), entry: c.checkEntry, pulse: c.pulse, stale: stale}
		f.rows[c.id] = next
		if known == nil || known.entry != c.checkEntry {
			change.Checks = append(change.Checks, next.Row)
			continue
		}
		if same(&known.Row, &next.Row) {
			continue
		}
		if only, ok := beat(&known.Row, &next.Row); ok {
			change.Beats = append(change.Beats, only)
		} else {
			change.Checks = append(change.Checks, next.Row)
		}
	}
	if len(f.rows) == len(b.sorted) {
		return
	}
	for id := range f.rows {
		if b.checks[checkPrefix+token(id)] == nil {
			delete(f.rows, id)
			change.GoneChecks = append(change.GoneChecks, id)
		}
	}
	slices.Sort(change.GoneChecks)
}

// lookAtServices is called with the reader's mu held.
func (f *BoardFollower) lookAtServices(change *BoardChange, now time.Time) {
	there := 0
	for _, s := range f.reader.board.services {
		if s.serviceEntry == nil {
			continue
		}
		there++
		service := f.reader.board.service(s, now)
		if known, ok := f.services[service.ID]; !ok || known.Revision != service.Revision || known.Status != service.Status || !known.StatusSince.Equal(service.StatusSince) {
			f.services[service.ID] = service
			change.Services = append(change.Services, service)
		}
	}
	slices.SortFunc(change.Services, func(x, y monitor.Service) int { return strings.Compare(x.ID, y.ID) })
	if len(f.services) == there {
		return
	}
	for id := range f.services {
		if s := f.reader.board.services[servicePrefix+token(id)]; s == nil || s.serviceEntry == nil {
			delete(f.services, id)
			change.GoneServices = append(change.GoneServices, id)
		}
	}
	slices.Sort(change.GoneServices)
}
