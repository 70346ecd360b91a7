package replay

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Span is a time for which a status lasted.
type Span struct {
	Status monitor.Status `json:"status"`
	From   time.Time      `json:"from"`
	To     time.Time      `json:"to"`
	Reason string         `json:"reason,omitempty"`
}

// Incident is one that happened, or would have.
type Incident struct {
	OpenedAt time.Time `json:"opened_at"`
	// ResolvedAt is zero for one still open when the range ends.
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Cause      string    `json:"cause,omitempty"`
	Resolution string    `json:"resolution,omitempty"`
	// DetectionMS is the time from the first failing result to the opening, in milliseconds; absent
	// where that result is not known.
	DetectionMS *int64 `json:"detection_ms,omitempty"`
	// Carried says that it was open when the range began.
	Carried bool `json:"carried,omitempty"`

	id string
}

// thread is what became of one check or service.
type thread struct {
	spans     []Span
	running   bool
	changes   int
	alerts    int
	incidents []*Incident
}

// story is what became of all that a question is about, one way or the other.
type story struct {
	question Question
	checks   map[string]*thread
	service  *thread
	// status and member are how each check stands, and whether it belongs to the question.
	status map[string]monitor.Status
	member map[string]bool
	open   map[string]*Incident
}

// tell makes a story of how everything stood when the range began and what happened since.
func (t *Trial) tell(all []happening) *story {
	s := &story{
		question: t.record.question, checks: make(map[string]*thread, len(t.ids)), service: &thread{},
		status: make(map[string]monitor.Status, len(t.ids)), member: make(map[string]bool, len(t.ids)), open: make(map[string]*Incident),
	}
	before := make(map[string]monitor.Incident)
	for _, i := range t.record.board.OpenIncidents() {
		before[i.ID] = i
	}
	for _, id := range t.ids {
		s.checks[id] = &thread{}
		check, known := t.record.board.Check(id)
		if !known {
			continue
		}
		s.status[id] = check.Status
		if !s.belongs(check.Definition) {
			continue
		}
		s.member[id] = true
		s.checks[id].start(check.Status, s.question.From, check.Reason)
		if i, ok := before[check.Incident]; ok {
			s.carry(id, i)
		}
	}
	if service, ok := t.record.board.Service(s.question.Service); ok {
		s.service.start(service.Status, s.question.From, "")
	}
	for _, h := range all {
		if h.at.Before(s.question.until()) {
			s.follow(h)
		}
	}
	s.service.stop(s.question.To)
	for _, thread := range s.checks {
		thread.stop(s.question.To)
	}
	return s
}

func (s *story) belongs(d monitor.Definition) bool {
	return s.question.Check == d.ID || (s.question.Service != "" && s.question.Service == d.Service)
}

func (s *story) carry(id string, i monitor.Incident) {
	carried := &Incident{id: i.ID, OpenedAt: i.OpenedAt, Cause: i.Cause, Carried: true}
	s.open[i.ID] = carried
	s.checks[id].incidents = append(s.checks[id].incidents, carried)
}

// follow takes the next happening. Decisions count by the time that they are about, which may lie
// before that at which they were made.
func (s *story) follow(h happening) {
	within := h.at.Before(s.question.To)
	switch e := h.event.(type) {
	case monitor.CheckRegistered:
		if within {
			s.define(h.at, e.Definition, true)
		}
	case monitor.CheckUpdated:
		if within {
			s.define(h.at, e.Definition, false)
		}
	case monitor.CheckDeleted:
		if within {
			s.leave(e.CheckID, h.at)
		}
	case monitor.CheckStatusChanged:
		s.changeStatus(e)
	case monitor.IncidentOpened:
		s.openIncident(h, e)
	case monitor.IncidentResolved:
		if i := s.open[e.IncidentID]; i != nil && e.ResolvedAt.Before(s.question.To) {
			i.ResolvedAt, i.Resolution = e.ResolvedAt, e.Resolution
			delete(s.open, e.IncidentID)
			s.checks[e.CheckID].alerts++
		}
	case monitor.ServiceRegistered:
		if within && e.Definition.ID == s.question.Service {
			s.service.start(monitor.StatusUnknown, h.at, "")
		}
	case monitor.ServiceStatusChanged:
		if e.ServiceID == s.question.Service && e.At.Before(s.question.To) {
			s.service.move(e.To, e.At, e.Reason)
		}
	case monitor.ServiceDeleted:
		if within && e.ServiceID == s.question.Service {
			s.service.stop(h.at)
		}
	case monitor.CheckPaused, monitor.CheckResumed, monitor.CheckSucceeded, monitor.CheckFailed,
		monitor.ServiceUpdated, monitor.PageRegistered, monitor.PageUpdated, monitor.PageDeleted,
		monitor.CorrectionAdded, monitor.CorrectionWithdrawn, monitor.RunnerJoined, monitor.RunnerLeft:
	}
}

// define follows a check into the question's service and out of it.
func (s *story) define(at time.Time, d monitor.Definition, fresh bool) {
	if s.checks[d.ID] == nil {
		return
	}
	if fresh {
		s.status[d.ID] = monitor.StatusUnknown
		if d.Paused {
			s.status[d.ID] = monitor.StatusPaused
		}
	}
	switch belongs := s.belongs(d); {
	case belongs && (fresh || !s.member[d.ID]):
		s.member[d.ID] = true
		s.checks[d.ID].start(s.status[d.ID], at, "")
	case !belongs:
		s.leave(d.ID, at)
	}
}

func (s *story) leave(id string, at time.Time) {
	if s.member[id] {
		s.member[id] = false
		s.checks[id].stop(at)
	}
}

func (s *story) changeStatus(e monitor.CheckStatusChanged) {
	if s.checks[e.CheckID] == nil || !e.At.Before(s.question.To) {
		return
	}
	s.status[e.CheckID] = e.To
	if s.member[e.CheckID] {
		s.checks[e.CheckID].move(e.To, e.At, e.Reason)
	}
}

func (s *story) openIncident(h happening, e monitor.IncidentOpened) {
	if !s.member[e.CheckID] || !e.OpenedAt.Before(s.question.To) {
		return
	}
	i := &Incident{id: e.IncidentID, OpenedAt: e.OpenedAt, Cause: e.Cause}
	if !h.failing.IsZero() {
		delay := max(0, e.OpenedAt.Sub(h.failing).Milliseconds())
		i.DetectionMS = &delay
	}
	thread := s.checks[e.CheckID]
	thread.alerts++
	thread.incidents = append(thread.incidents, i)
	s.open[e.IncidentID] = i
}

func (t *thread) start(status monitor.Status, at time.Time, reason string) {
	t.running = true
	t.spans = append(t.spans, Span{Status: status, From: at, Reason: reason})
}

// move begins a new span. A decision about the past begins where the last one did at the earliest.
func (t *thread) move(status monitor.Status, at time.Time, reason string) {
	if !t.running {
		return
	}
	last := &t.spans[len(t.spans)-1]
	if status == last.Status { // unknown, and settled as such
		last.Reason = reason
		return
	}
	t.changes++
	if at.Before(last.From) {
		at = last.From
	}
	last.To = at
	t.spans = append(t.spans, Span{Status: status, From: at, Reason: reason})
}

func (t *thread) stop(at time.Time) {
	if !t.running {
		return
	}
	t.running = false
	last := &t.spans[len(t.spans)-1]
	last.To = at
	if at.Before(last.From) {
		last.To = last.From
	}
}

// Sums are the figures of one check, of a service, or of all checks together.
type Sums struct {
	// Incidents were opened within the range; Alerts are their openings and resolutions.
	Incidents     int `json:"incidents"`
	Alerts        int `json:"alerts"`
	StatusChanges int `json:"status_changes"`
	// DownMS, DegradedMS and UnknownMS are how long those statuses lasted, in milliseconds. Unknown is
	// never counted as down.
	DownMS     int64 `json:"down_ms"`
	DegradedMS int64 `json:"degraded_ms"`
	UnknownMS  int64 `json:"unknown_ms"`
	// DetectionMS is the mean time from a first failing result to the opening of its incident, and
	// SlowestDetectionMS the longest; 0 without incidents.
	DetectionMS        int64 `json:"detection_ms"`
	SlowestDetectionMS int64 `json:"slowest_detection_ms"`

	detected int64
}

func (t *thread) sums() Sums {
	s := Sums{Alerts: t.alerts, StatusChanges: t.changes}
	for _, span := range t.spans {
		length := span.To.Sub(span.From).Milliseconds()
		switch span.Status {
		case monitor.StatusDown:
			s.DownMS += length
		case monitor.StatusDegraded:
			s.DegradedMS += length
		case monitor.StatusUnknown:
			s.UnknownMS += length
		case monitor.StatusUp, monitor.StatusPaused, monitor.StatusMaintenance:
		}
	}
	for _, i := range t.incidents {
		if !i.Carried {
			s.Incidents++
		}
		if i.DetectionMS != nil {
			s.addDetection(*i.DetectionMS, 1, *i.DetectionMS)
		}
	}
	return s
}

func (s *Sums) addDetection(mean, n, slowest int64) {
	if n == 0 {
		return
	}
	s.DetectionMS = (s.DetectionMS*s.detected + mean*n) / (s.detected + n)
	s.detected += n
	s.SlowestDetectionMS = max(s.SlowestDetectionMS, slowest)
}

func (s *Sums) add(other Sums) {
	s.Incidents += other.Incidents
	s.Alerts += other.Alerts
	s.StatusChanges += other.StatusChanges
	s.DownMS += other.DownMS
	s.DegradedMS += other.DegradedMS
	s.UnknownMS += other.UnknownMS
	s.addDetection(other.DetectionMS, other.detected, other.SlowestDetectionMS)
}
