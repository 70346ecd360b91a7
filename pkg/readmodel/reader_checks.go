package readmodel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// decodePage reads those lines of a page that have changed.
func (w *watcher) decodePage(e bus.Entry) (func(*Reader), error) {
	page, err := pageOf(e.Key)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	if !e.Deleted {
		if lines, err = readPage(e.Value); err != nil {
			return nil, err
		}
	}
	before, after := w.lines[e.Key], make(pageLines, len(lines))
	var changed []*pulse
	for _, line := range lines {
		check, sum := checkOfLine(line), maphash.Bytes(w.seed, line)
		if known, there := before[check]; !there || known != sum {
			p, err := readPulse(line)
			if err != nil {
				return nil, err
			}
			p.page, p.line = page, nil
			if len(p.Last) > 0 {
				p.last = &monitor.Result{}
				if err := json.Unmarshal(p.Last, p.last); err != nil {
					return nil, fmt.Errorf("read the last result of check %s: %w", p.Check, err)
				}
				p.Last = nil
			}
			changed, check = append(changed, p), p.Check
		}
		after[check] = sum
	}
	w.lines[e.Key] = after
	var gone []string
	for check := range before {
		if _, there := after[check]; !there {
			gone = append(gone, check)
		}
	}
	return func(r *Reader) {
		for _, check := range gone {
			// It may be on another page by now.
			if old := r.board.pulses[checkPrefix+token(check)]; old != nil && old.page == page {
				r.board.setPulse(check, nil)
			}
		}
		for _, p := range changed {
			r.board.setPulse(p.Check, p)
		}
	}, nil
}

// checkOfLine returns the check that a line of a page is about: an id as it stands.
func checkOfLine(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"check":"`))
	id, _, found := bytes.Cut(rest, []byte(`"`))
	if !ok || !found {
		return ""
	}
	return string(id)
}

// Check implements CheckRepository.
func (r *Reader) Check(ctx context.Context, id string) (CheckView, error) {
	now := r.now()
	r.mu.RLock()
	c := r.board.checks[checkPrefix+token(id)]
	var view CheckView
	if c != nil {
		view = r.board.view(c, now)
	}
	r.mu.RUnlock()
	if c == nil {
		return CheckView{}, fmt.Errorf("check %s: %w", id, monitor.ErrNotFound)
	}
	asking, cancel := context.WithTimeout(ctx, pastTimeout)
	defer cancel()
	uptime, err := r.Uptime(asking, id, now)
	switch {
	case err == nil:
		view.Uptime = uptime
	case ctx.Err() != nil:
		return CheckView{}, ctx.Err()
	default: // what is in memory is worth more than nothing
		r.log.Warn("the past of a check cannot be read; its uptimes over days are left out", "check", id, "error", err)
	}
	return view, nil
}

// pastTimeout bounds the wait for the past of a check, where there is an answer without it.
const pastTimeout = 2 * time.Second

// Checks implements CheckRepository.
func (r *Reader) Checks(ctx context.Context, query Query) (Page[CheckView], error) {
	r.recallSome(ctx)
	now := r.now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	b := r.board
	s, err := b.selectChecks(query, now, "id", "name", "status", "latency", "uptime", "updated_at")
	if err != nil {
		return Page[CheckView]{}, err
	}
	return pageFrom(s, func(c *checkState) CheckView { return b.view(c, now) }), nil
}

// selectChecks gathers a page of the checks as of now, in one of the orders.
func (b *board) selectChecks(query Query, now time.Time, sorts ...string) (*selection[*checkState], error) {
	f, err := newFilter("checks", query, sorts...)
	if err != nil {
		return nil, err
	}
	s, err := newSelection[*checkState](f.order, f.list, query.Limit, query.Cursor)
	if err != nil {
		return nil, err
	}
	for i := range b.sorted {
		c := b.sorted[i]
		if f.order.descending { // what is offered in order is sorted soon
			c = b.sorted[len(b.sorted)-1-i]
		}
		if (f.service != "" && c.service != f.service) || (f.kind != "" && c.kind != f.kind) {
			continue
		}
		status := b.status(c, now)
		if f.matches(c.text, status) && (f.labels == nil || f.labelled(c.Labels)) {
			s.offer(b.place(c, f.sort, status, now), c)
		}
	}
	return s, nil
}

// place is where the check stands in a list.
func (b *board) place(c *checkState, sort string, status monitor.Status, now time.Time) place {
	switch sort {
	case "latency":
		return place{ID: c.id, Number: c.pulse.latency()}
	case "uptime":
		at := place{ID: c.id, Number: last}
		if c.pulse != nil {
			if ratio := c.pulse.dayUptime(&c.Check, now, b.sight(&c.Check)).Ratio; ratio != nil {
				at.Number = *ratio
			}
		}
		return at
	case "updated_at":
		return placeBy(sort, c.id, c.name, status, c.UpdatedAt)
	}
	return placeBy(sort, c.id, c.name, status, time.Time{})
}

func placeBy(sort, id, name string, status monitor.Status, updated time.Time) place {
	at := place{ID: id}
	switch sort {
	case "id":
		at.Text = id
	case "name":
		at.Text = name
	case "status":
		at.Number = rank(status)
	case "updated_at":
		at.Number = float64(updated.UnixMicro())
	}
	return at
}

// Service implements ServiceRepository.
func (r *Reader) Service(_ context.Context, id string) (ServiceView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.board.services[servicePrefix+token(id)]
	if s == nil || s.serviceEntry == nil {
		return ServiceView{}, fmt.Errorf("service %s: %w", id, monitor.ErrNotFound)
	}
	return r.board.serviceView(s, r.now()), nil
}

func (b *board) serviceView(s *serviceState, now time.Time) ServiceView {
	v := ServiceView{Service: b.service(s, now), Sequence: s.Sequence, Checks: make([]string, 0, len(s.checks))}
	for c := range s.checks {
		v.Checks = append(v.Checks, c.ID)
	}
	slices.Sort(v.Checks)
	return v
}

// Services implements ServiceRepository.
func (r *Reader) Services(_ context.Context, query Query) (Page[ServiceView], error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.board.listServices(query, r.now())
}

func (b *board) listServices(query Query, now time.Time) (Page[ServiceView], error) {
	if query.Service != "" || query.Kind != "" {
		return Page[ServiceView]{}, fmt.Errorf("%w: service and kind select checks, not services", ErrQuery)
	}
	f, err := newFilter("services", query, "id", "name", "status", "updated_at")
	if err != nil {
		return Page[ServiceView]{}, err
	}
	sel, err := newSelection[*serviceState](f.order, f.list, query.Limit, query.Cursor)
	if err != nil {
		return Page[ServiceView]{}, err
	}
	for _, s := range b.services {
		if s.serviceEntry == nil {
			continue
		}
		status := b.service(s, now).Status
		if f.matches(s.text, status) && f.labelled(s.Labels) {
			sel.offer(placeBy(f.sort, s.ID, s.name, status, s.UpdatedAt), s)
		}
	}
	return pageFrom(sel, func(s *serviceState) ServiceView { return b.serviceView(s, now) }), nil
}

// Overview implements OverviewRepository. It counts what Checks and Services would show now.
func (r *Reader) Overview(context.Context) (Overview, error) {
	now := r.now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	o := r.board.overview(now)
	o.Sequence = r.states["checks"].Events
	return o, nil
}

func (b *board) overview(now time.Time) Overview {
	o := Overview{Checks: make(map[monitor.Status]int), Services: make(map[monitor.Status]int)}
	for _, c := range b.sorted {
		o.Checks[b.status(c, now)]++
	}
	for _, s := range b.services {
		if s.serviceEntry != nil {
			o.Services[b.service(s, now).Status]++
		}
	}
	for _, i := range b.incidents {
		if i.Open() {
			o.Incidents++
		}
	}
	for _, runner := range b.runners {
		if runner.LeftAt.IsZero() {
			o.Runners++
		}
	}
	return o
}

// Runners implements RunnerRepository: those at work first, then the latest that left.
func (r *Reader) Runners(context.Context) ([]RunnerView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]RunnerView, 0, len(r.board.runners))
	for view := range maps.Values(r.board.runners) {
		all = append(all, *view)
	}
	slices.SortFunc(all, func(x, y RunnerView) int {
		switch {
		case x.LeftAt.IsZero() && !y.LeftAt.IsZero():
			return -1
		case !x.LeftAt.IsZero() && y.LeftAt.IsZero():
			return 1
		}
		if c := y.LeftAt.Compare(x.LeftAt); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return all, nil
}
