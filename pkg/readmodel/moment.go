package readmodel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/vedette/vedette/pkg/monitor"
)

// Moment is the board as it stood at an instant: the fold of the events written by then, as the read
// models of the present showed it. What became unknown by silence while no decider was at work was
// decided only later, and is shown from then on. Errors as the repositories of the present; a check or
// service that did not exist then is monitor.ErrNotFound.
//
// It is safe for concurrent use.
type Moment struct {
	reader   *Reader
	at       time.Time
	sequence uint64
	board    *board
	settled  bool
}

// momentTimeout bounds the reading of a moment, for which several may wait.
const momentTimeout = 10 * time.Second

// At returns the board at an instant that has come. What was written in the last second may be
// missing, as WaitForTimeline tells. settled says that nothing can be missing: such a board is kept.
func (r *Reader) At(ctx context.Context, at time.Time, settled bool) (*Moment, error) {
	at = at.UTC()
	if m := r.bygone.moments.get(at); m != nil {
		return m, nil
	}
	found, err, _ := r.bygone.moments.asked.Do(fmt.Sprint(at, settled), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), momentTimeout)
		defer cancel()
		s, err := r.snapshotAt(ctx, at, func(string) bool { return true })
		if err != nil {
			return nil, fmt.Errorf("board at %s: %w", at.Format(time.RFC3339Nano), err)
		}
		m := &Moment{reader: r, at: at, sequence: s.sequence, board: s.board(), settled: settled}
		r.correctionsBy(at, m.board)
		if settled {
			r.bygone.moments.keep(m)
		}
		return m, nil
	})
	if err != nil {
		return nil, err
	}
	m, _ := found.(*Moment) // nothing else is returned above
	return m, nil
}

// CheckAt returns as much of the board at an instant as tells of one check: its page, that of its incidents,
// and the services.
func (r *Reader) CheckAt(ctx context.Context, at time.Time, id string) (*Moment, error) {
	at = at.UTC()
	own := []string{pageNamed("check", id, checkPages), pageNamed("incident", id, incidentPages)}
	s, err := r.snapshotAt(ctx, at, func(page string) bool { return strings.HasPrefix(page, "service-") || slices.Contains(own, page) })
	if err != nil {
		return nil, fmt.Errorf("check %s at %s: %w", id, at.Format(time.RFC3339Nano), err)
	}
	return &Moment{reader: r, at: at, sequence: s.sequence, board: s.board()}, nil
}

// WaitForTimeline returns when the timeline and the corrections hold EVENTS up to sequence, or with ctx's error.
func (r *Reader) WaitForTimeline(ctx context.Context, sequence uint64) error {
	return r.waitFor(ctx, sequence, func(p Projection) bool { return p.Name() == TimelineName || p.Name() == correctionsBucket })
}

// moments keeps the last boards of the past that were asked for: whoever looks at one asks for its
// parts one after the other. Its zero value is ready for use.
type moments struct {
	asked singleflight.Group
	mu    sync.Mutex
	kept  []*Moment
}

// keptMoments is how many boards are kept: one of 10,000 checks takes some 15 MB.
const keptMoments = 3

func (m *moments) get(at time.Time) *Moment {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.kept {
		if one.at.Equal(at) {
			return one
		}
	}
	return nil
}

func (m *moments) keep(one *Moment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) == keptMoments {
		m.kept = slices.Delete(m.kept, 0, 1)
	}
	m.kept = append(m.kept, one)
}

// board makes a board of what was read. Silence proves nothing on it.
func (s *snapshot) board() *board {
	b := newBoard()
	slices.SortFunc(s.checks, byID)
	b.sorted = s.checks
	b.checks = make(map[string]*checkState, len(s.checks))
	for _, c := range s.checks {
		b.checks[checkPrefix+token(c.id)] = c
		b.members(c.service)[c] = struct{}{}
	}
	for _, entry := range s.services {
		b.setService(servicePrefix+token(entry.ID), entry)
	}
	for _, i := range s.incidents {
		b.incidents[incidentPrefix+token(i.ID)] = i
	}
	for _, runner := range s.runners {
		b.runners[runnerPrefix+token(runner.ID)] = runner
	}
	return b
}

// Settled reports whether it cannot change any more.
func (m *Moment) Settled() bool { return m.settled }

// At is the instant.
func (m *Moment) At() time.Time { return m.at }

// Check returns a check.
func (m *Moment) Check(ctx context.Context, id string) (CheckView, error) {
	c := m.board.checks[checkPrefix+token(id)]
	if c == nil {
		return CheckView{}, fmt.Errorf("check %s at %s: %w", id, m.at.Format(time.RFC3339), monitor.ErrNotFound)
	}
	views := []CheckView{m.board.view(c, m.at)}
	kept, err := m.tellResults(ctx, views)
	if err != nil {
		return CheckView{}, err
	}
	view := views[0]
	view.At, view.ResultsKeptSince = m.at, kept
	if view.Uptime != nil {
		if view.Uptime, err = m.Uptime(ctx, id); err != nil {
			return CheckView{}, err
		}
	}
	return view, nil
}

// Told returns checks with what their results told, as Checks does; those that there were not are left out.
func (m *Moment) Told(ctx context.Context, ids []string) ([]CheckView, error) {
	views := make([]CheckView, 0, len(ids))
	for _, id := range ids {
		if c := m.board.checks[checkPrefix+token(id)]; c != nil {
			views = append(views, m.board.view(c, m.at))
		}
	}
	_, err := m.tellResults(ctx, views)
	return views, err
}

// Checks returns a page of the checks, sorted by what is known of all of them.
func (m *Moment) Checks(ctx context.Context, query Query) (Page[CheckView], error) {
	s, err := m.board.selectChecks(query, m.at, "id", "name", "status", "updated_at")
	if err != nil {
		return Page[CheckView]{}, err
	}
	page := pageFrom(s, func(c *checkState) CheckView { return m.board.view(c, m.at) })
	page.At = m.at
	page.ResultsKeptSince, err = m.tellResults(ctx, page.Items)
	return page, err
}

// Service returns a service.
func (m *Moment) Service(_ context.Context, id string) (ServiceView, error) {
	s := m.board.services[servicePrefix+token(id)]
	if s == nil || s.serviceEntry == nil {
		return ServiceView{}, fmt.Errorf("service %s at %s: %w", id, m.at.Format(time.RFC3339), monitor.ErrNotFound)
	}
	view := m.board.serviceView(s, m.at)
	view.At = m.at
	return view, nil
}

// Services returns a page of the services.
func (m *Moment) Services(_ context.Context, query Query) (Page[ServiceView], error) {
	page, err := m.board.listServices(query, m.at)
	page.At = m.at
	return page, err
}

// Overview counts what Checks and Services show.
func (m *Moment) Overview(context.Context) (Overview, error) {
	o := m.board.overview(m.at)
	o.Sequence, o.At = m.sequence, m.at
	return o, nil
}

// Incidents returns a page of the incidents as they stood, newest first: all that were open, and of
// those that were over the latest thousands.
func (m *Moment) Incidents(ctx context.Context, query IncidentQuery) (Page[IncidentView], error) {
	all, err := m.reader.incidentsAt(ctx, m.at)
	if err != nil {
		return Page[IncidentView]{}, err
	}
	page, err := listIncidents(query, slices.Values(all), func(i *IncidentView) IncidentView { return m.board.incident(i, m.at) })
	page.At = m.at
	return page, err
}

// Domain returns the checks, services and open incidents of the moment as a board of the domain, for a
// fold to go on from, and the event up to which it is folded.
func (m *Moment) Domain() (*monitor.Board, uint64) {
	board := monitor.NewBoard()
	for _, s := range m.board.services {
		if s.serviceEntry != nil {
			board.PutService(s.Service)
		}
	}
	for _, c := range m.board.sorted {
		board.PutCheck(c.Check)
	}
	for _, i := range m.board.incidents {
		if i.Open() {
			board.PutIncident(i.Incident)
		}
	}
	return board, m.sequence
}
