package api

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/pkg/statuspage"
)

const (
	// pageKept is how long a page is shown as it was put together, daysKept how long the days are that it
	// shows, which are read from the store.
	pageKept = 10 * time.Second
	daysKept = 20 * time.Second
	// daysForgotten is after how long days that could not be read anew are shown no more.
	daysForgotten = 24 * time.Hour
	// pageWait bounds the putting together of one; when it is over, the page shows what is known.
	pageWait = 3 * time.Second
	// daysAtOnce is of how many checks the days are read at a time.
	daysAtOnce = 8
	// maxPageIncidents bounds the incidents of one service on a page.
	maxPageIncidents = 50
)

// pageDesk puts status pages together, each at most once at a time, however many readers it has. What it
// cannot read anew it shows as it was: a page must be there when the rest is not.
type pageDesk struct {
	server *server
	once   singleflight.Group

	mu    sync.Mutex
	pages map[string]statuspage.Page
	days  map[string]keptDays
}

type keptDays struct {
	at   time.Time
	days []readmodel.DayUptime
}

func newPageDesk(s *server) *pageDesk {
	return &pageDesk{server: s, pages: make(map[string]statuspage.Page), days: make(map[string]keptDays)}
}

// page returns a page as of now, or of a moment ago. monitor.ErrNotFound: there is none.
func (d *pageDesk) page(id string) (statuspage.Page, error) {
	view, err := d.server.reads.StatusPage(d.server.work, id)
	if err != nil {
		d.forget(id)
		return statuspage.Page{}, err
	}
	now := d.server.now()
	d.mu.Lock()
	kept, ok := d.pages[id]
	d.mu.Unlock()
	if ok && now.Sub(kept.At) < pageKept && !view.UpdatedAt.After(kept.At) {
		return kept, nil
	}
	made, err, _ := d.once.Do(id, func() (any, error) { return d.make(view, now) })
	if err != nil {
		return statuspage.Page{}, err
	}
	page, _ := made.(statuspage.Page)
	return page, nil
}

func (d *pageDesk) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pages, id)
}

func (d *pageDesk) make(view readmodel.StatusPageView, now time.Time) (statuspage.Page, error) {
	ctx, cancel := context.WithTimeout(d.server.work, pageWait)
	defer cancel()
	page := statuspage.Page{ID: view.ID, Title: view.Title, Description: view.Description, At: now.UTC()}
	for _, a := range view.Announcements {
		page.Announcements = append(page.Announcements, statuspage.Announcement{Title: a.Title, Text: a.Text, At: a.At, Until: a.Until})
	}
	slices.SortStableFunc(page.Announcements, func(x, y statuspage.Announcement) int { return y.At.Compare(x.At) })
	for _, id := range view.Services {
		service, err := d.server.reads.Service(ctx, id)
		if errors.Is(err, monitor.ErrNotFound) {
			continue // deleted since it was named
		}
		if err != nil {
			return page, err
		}
		shown, err := d.service(ctx, service, now)
		if err != nil {
			return page, err
		}
		page.Services = append(page.Services, shown)
		incidents, err := d.incidents(ctx, service, view.ShowCauses, now)
		if err != nil {
			return page, err
		}
		page.Incidents = append(page.Incidents, incidents...)
	}
	slices.SortStableFunc(page.Incidents, func(x, y statuspage.Incident) int { return y.OpenedAt.Compare(x.OpenedAt) })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pages[view.ID] = page
	maps.DeleteFunc(d.days, func(_ string, k keptDays) bool { return now.Sub(k.at) > daysForgotten })
	return page, nil
}

func (d *pageDesk) service(ctx context.Context, view readmodel.ServiceView, now time.Time) (statuspage.Service, error) {
	s := statuspage.Service{ID: view.ID, Name: view.Name, Description: view.Description, Status: view.Status, Since: view.StatusSince}
	for _, id := range view.Checks {
		check, err := d.server.reads.Check(ctx, id)
		if err == nil && check.Status != monitor.StatusPaused {
			s.Latency = max(s.Latency, check.LatencyMS)
		}
	}
	all, err := d.daysOf(ctx, view.Checks, now)
	if err != nil {
		return s, err
	}
	today := now.UTC().Truncate(24 * time.Hour)
	s.Days = make([]statuspage.Day, statuspage.BarDays)
	for i := range s.Days {
		s.Days[i].At = today.AddDate(0, 0, i+1-statuspage.BarDays)
	}
	for _, days := range all {
		for _, day := range days {
			i := statuspage.BarDays - 1 - int(today.Sub(day.Day)/(24*time.Hour))
			if i < 0 || i >= len(s.Days) {
				continue
			}
			s.Days[i].Up += day.Up + day.Degraded
			s.Days[i].Down += day.Down
			s.Days[i].Expected += day.Expected
			if c := day.Corrected; c != nil {
				s.Days[i].Corrected = true
				s.Days[i].Left += c.Maintenance
			}
		}
	}
	return s, nil
}

// daysOf returns the days of checks. Those that cannot be read now are as they were when they could.
func (d *pageDesk) daysOf(ctx context.Context, checks []string, now time.Time) ([][]readmodel.DayUptime, error) {
	all := make([][]readmodel.DayUptime, len(checks))
	var group errgroup.Group
	group.SetLimit(daysAtOnce)
	for i, id := range checks {
		d.mu.Lock()
		kept := d.days[id]
		d.mu.Unlock()
		all[i] = kept.days
		if now.Sub(kept.at) < daysKept {
			continue
		}
		group.Go(func() error {
			days, err := d.server.reads.Days(ctx, id, statuspage.BarDays, now)
			if err != nil {
				d.server.log.Debug("a status page shows days as they were", "check", id, "error", err)
				return nil
			}
			all[i] = days
			d.mu.Lock()
			defer d.mu.Unlock()
			d.days[id] = keptDays{now, days}
			return nil
		})
	}
	return all, group.Wait()
}

func (d *pageDesk) incidents(ctx context.Context, service readmodel.ServiceView, causes bool, now time.Time) ([]statuspage.Incident, error) {
	found, err := d.server.reads.Incidents(ctx, readmodel.IncidentQuery{Service: service.ID, Limit: maxPageIncidents})
	if err != nil {
		return nil, err
	}
	oldest := now.AddDate(0, 0, -statuspage.HistoryDays)
	var shown []statuspage.Incident
	for _, i := range found.Items {
		if !i.Open() && i.ResolvedAt.Before(oldest) {
			continue
		}
		// Its id names a check, which is not for anybody.
		incident := statuspage.Incident{ID: digestOf([]byte(i.ID)), Service: service.Name, OpenedAt: i.OpenedAt, ResolvedAt: i.ResolvedAt}
		if causes {
			incident.Cause = i.Cause
		}
		shown = append(shown, incident)
	}
	return shown, nil
}
