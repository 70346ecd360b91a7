package readmodel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/monitor"
)

// CorrectionQuery selects corrections.
type CorrectionQuery struct {
	// Check selects those of a check and of its service, Service those of a service and of its checks.
	Check, Service string
	// Standing selects those that stand (true), those withdrawn (false) or both (nil).
	Standing *bool
	Limit    int
	Cursor   string
}

// Correction implements CorrectionRepository.
func (r *Reader) Correction(_ context.Context, id string) (CorrectionView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := r.board.corrections[correctionPrefix+token(id)]
	if c == nil {
		return CorrectionView{}, fmt.Errorf("correction %s: %w", id, monitor.ErrNotFound)
	}
	return *c, nil
}

// Corrections implements CorrectionRepository.
func (r *Reader) Corrections(_ context.Context, query CorrectionQuery) (Page[CorrectionView], error) {
	list := listOf("corrections", query.Standing, query.Check, query.Service)
	s, err := newSelection[*CorrectionView](order{descending: true}, list, query.Limit, query.Cursor)
	if err != nil {
		return Page[CorrectionView]{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, c := range r.board.corrections {
		if (query.Standing == nil || *query.Standing == c.WithdrawnAt.IsZero()) && r.board.concerns(query, c) {
			s.offer(place{Number: float64(c.From.UnixMicro()), ID: c.ID}, c)
		}
	}
	return pageFrom(s, func(c *CorrectionView) CorrectionView { return *c }), nil
}

func (b *board) concerns(query CorrectionQuery, c *CorrectionView) bool {
	service := func(check string) string {
		if known := b.checks[checkPrefix+token(check)]; known != nil {
			return known.service
		}
		return ""
	}
	if query.Check != "" && c.Check != query.Check && (c.Service == "" || c.Service != service(query.Check)) {
		return false
	}
	return query.Service == "" || c.Service == query.Service || (c.Check != "" && service(c.Check) == query.Service)
}

// incident is the incident as it is shown: what was decided, and what was said of its time.
func (b *board) incident(i *IncidentView, now time.Time) IncidentView {
	view := *i
	end := i.ResolvedAt
	if i.Open() {
		end = now
	}
	for _, c := range b.rules(&monitor.Check{Definition: monitor.Definition{ID: i.CheckID, Service: i.Service}}) {
		if c.From.Before(end) && i.OpenedAt.Before(c.To) {
			view.CorrectedBy = append(view.CorrectedBy, c.ID)
		}
	}
	slices.Sort(view.CorrectedBy)
	return view
}

// correctionsBy gives a board of the past the corrections that were added by then.
func (r *Reader) correctionsBy(at time.Time, b *board) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b.asOf = at
	for key, c := range r.board.corrections {
		if !c.AddedAt.After(at) {
			b.setCorrection(key, c)
		}
	}
}

// sight is what corrects the uptime of one check.
type sight struct {
	rules rules
	hours recalled
}

// recalled are the minutes of hours that are over, by hour.
type recalled map[int64][]byte

func (b *board) sight(c *monitor.Check) sight {
	s := sight{rules: b.rules(c)}
	if len(s.rules) > 0 {
		s.hours = b.recalled[c.ID]
	}
	return s
}

// recall returns an hour of a page with its minutes, as far as they are known.
func (s sight) recall(p *pulse, hour tally) tally {
	switch {
	case len(s.rules) == 0 || hour.Minutes != nil:
	case hour.At == p.Hours[len(p.Hours)-1].At:
		hour.Minutes = p.Minutes
	default:
		hour.Minutes = s.hours[hour.At]
	}
	return hour
}

// keepRecalling recalls whenever anything has moved, until ctx ends.
func (r *Reader) keepRecalling(ctx context.Context) {
	for {
		r.mu.RLock()
		moved := r.moved
		r.mu.RUnlock()
		r.recallSome(ctx)
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

// recallSome is recall for those who show what is known anyway.
func (r *Reader) recallSome(ctx context.Context) {
	if err := r.recall(ctx); err != nil && ctx.Err() == nil {
		r.log.Debug("the last hours of checks that are corrected cannot be read; of them whole hours are corrected only", "error", err)
	}
}

// recall reads what was found minute by minute in those of the last hours that corrections are about:
// lists and boards answer from memory, where only the hour at hand has its minutes.
func (r *Reader) recall(ctx context.Context) error {
	oldest := hourOf(r.now()) - keptHours
	for range 2 { // who joins another may want more than the other knew of
		if r.recalls(oldest) == nil {
			return nil
		}
		_, err, _ := r.recalling.Do("", func() (any, error) {
			reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), pastTimeout)
			defer cancel()
			return nil, r.readHours(reading, oldest)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readHours reads what recalls asks for.
func (r *Reader) readHours(ctx context.Context, oldest int64) error {
	checks := r.recalls(oldest)
	bucket, err := r.bucket(activityBucket)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	read := make(map[string]recalled, len(checks))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, check := range checks {
		group.Go(func() error {
			hours, err := r.hoursOver(reading, check, oldest)
			mu.Lock()
			defer mu.Unlock()
			read[check] = hours
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("read the last hours of checks: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buckets[activityBucket] != bucket {
		return nil // another generation serves: it is asked for again
	}
	for check, hours := range read {
		p := r.board.pulses[checkPrefix+token(check)]
		if p == nil {
			continue
		}
		for _, hour := range p.over() { // those without any finding too, so that they are not asked for again
			if _, there := hours[hour.At]; !there {
				hours[hour.At] = nil
			}
		}
		r.board.recalled[check] = hours
	}
	r.board.amended++
	return nil
}

// over are the hours of a page that are over.
func (p *pulse) over() []tally { return p.Hours[:max(0, len(p.Hours)-1)] }

// recalls returns the checks of which hours are to be read.
func (r *Reader) recalls(oldest int64) (checks []string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b := r.board
	seen := make(map[*checkState]struct{})
	look := func(c *checkState) {
		if _, looked := seen[c]; !looked && c != nil && b.lacks(c, oldest) {
			checks = append(checks, c.id)
		}
		seen[c] = struct{}{}
	}
	for of, all := range b.corrected {
		recent := func(c *CorrectionView) bool { return c.WithdrawnAt.IsZero() && minuteOf(c.To) > oldest*minutesOfHour }
		if !slices.ContainsFunc(all, recent) {
			continue
		}
		if of.check != "" {
			look(b.checks[checkPrefix+token(of.check)])
		} else if s := b.services[servicePrefix+token(of.service)]; s != nil {
			for c := range s.checks {
				look(c)
			}
		}
	}
	return checks
}

// lacks reports whether the minutes of an hour of a check that corrections are about are not known.
func (b *board) lacks(c *checkState, oldest int64) bool {
	if c.pulse == nil {
		return false
	}
	known := b.sight(&c.Check)
	for _, hour := range c.pulse.over() {
		if hour.At <= oldest || !known.rules.touch(hour.At*minutesOfHour, (hour.At+1)*minutesOfHour) {
			continue
		}
		if _, there := known.hours[hour.At]; !there {
			return true
		}
	}
	return false
}

// hoursOver returns the minutes of the hours after one that are over.
func (r *Reader) hoursOver(ctx context.Context, check string, after int64) (recalled, error) {
	t, bucket, err := r.today(ctx, check)
	if err != nil {
		return nil, err
	}
	var keys []string
	var numbers []int64
	for day := dayOf(after); day <= dayOf(after+keptHours); day++ {
		keys, numbers = append(keys, dayKey(check, day)), append(numbers, day)
	}
	hours := make(recalled)
	take := func(parts []tally) {
		for _, hour := range parts {
			if hour.At > after {
				hours[hour.At] = hour.Minutes
			}
		}
	}
	take(t.Hours)
	err = fetch(ctx, bucket, keys, func(i int, raw []byte) error {
		past, err := readPast(raw, numbers[i])
		if past != nil {
			take(past.Parts)
		}
		return err
	})
	return hours, err
}
