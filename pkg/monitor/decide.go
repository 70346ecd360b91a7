package monitor

import (
	"fmt"
	"reflect"
	"time"
)

// Decision is what a command leads to.
type Decision struct {
	// Events to append, in order; none for a command that changes nothing.
	Events []Event
	// Revision is the aggregate's afterwards.
	Revision uint64
	// Duplicate says that the command took effect before; Sequence is where in EVENTS. For a
	// command that changes nothing, Sequence is the aggregate's last event.
	Duplicate bool
	Sequence  uint64
}

// Decide says what a command leads to at the time now, and changes nothing. Errors, for errors.As
// and errors.Is: Problems, ErrNotFound, ErrExists, ErrRevision, ErrInUse. A command whose id the
// aggregate remembers is a duplicate, whatever it asks.
func (b *Board) Decide(c CommandMessage, now time.Time) (Decision, error) {
	kind, id := c.Command.Aggregate()
	if h := b.history(kind, id); h != nil && c.ID != "" {
		for _, mark := range h.Commands {
			if mark.ID == c.ID {
				return Decision{Duplicate: true, Revision: mark.Revision, Sequence: mark.Sequence}, nil
			}
		}
	}
	events, err := b.decide(c.Command, now)
	if err != nil {
		return Decision{}, err
	}
	if len(events) == 0 {
		return Decision{Revision: b.Revision(kind, id), Sequence: b.LastSequence(kind, id)}, nil
	}
	revision := b.Revision(kind, id)
	for i, r := range b.Revisions(events) {
		if eventKind, eventID := events[i].Aggregate(); eventKind == kind && eventID == id {
			revision = r
		}
	}
	return Decision{Events: events, Revision: revision}, nil
}

// Revisions returns, for each of the events, the revision of its aggregate after it.
func (b *Board) Revisions(events []Event) []uint64 {
	added := make(map[[2]string]uint64)
	revisions := make([]uint64, len(events))
	for i, e := range events {
		kind, id := e.Aggregate()
		key := [2]string{kind, id}
		switch e.(type) {
		case CheckRegistered, CheckUpdated, CheckDeleted, CheckPaused, CheckResumed,
			ServiceRegistered, ServiceUpdated, ServiceDeleted, PageRegistered, PageUpdated, PageDeleted,
			CorrectionAdded, CorrectionWithdrawn:
			added[key]++
		case CheckSucceeded, CheckFailed, CheckStatusChanged, ServiceStatusChanged,
			IncidentOpened, IncidentResolved, RunnerJoined, RunnerLeft:
		}
		revisions[i] = b.Revision(kind, id) + added[key]
	}
	return revisions
}

func (b *Board) decide(c Command, now time.Time) ([]Event, error) {
	switch c := c.(type) {
	case RegisterCheck:
		return b.registerCheck(c.Definition, now)
	case UpdateCheck:
		return b.updateCheck(c, now)
	case DeleteCheck:
		return b.deleteCheck(c, now)
	case PauseCheck:
		check, err := b.expectCheck(c.CheckID, c.ExpectedRevision)
		if err != nil || check.Paused {
			return nil, err
		}
		return b.withRollUps(b.pause(check, now), now), nil
	case ResumeCheck:
		check, err := b.expectCheck(c.CheckID, c.ExpectedRevision)
		if err != nil || !check.Paused {
			return nil, err
		}
		return b.withRollUps(b.resume(check, now), now), nil
	case RegisterService:
		return b.registerService(c.Definition)
	case UpdateService:
		return b.updateService(c, now)
	case DeleteService:
		return b.deleteService(c)
	case RegisterPage:
		return b.registerPage(c.Definition)
	case UpdatePage:
		return b.updatePage(c)
	case DeletePage:
		page, err := b.expectPage(c.PageID, c.ExpectedRevision)
		if err != nil {
			return nil, err
		}
		return []Event{PageDeleted{PageID: page.ID}}, nil
	case AddCorrection:
		return b.addCorrection(c.Definition, now)
	case WithdrawCorrection:
		return b.withdrawCorrection(c)
	case ExecuteChecks: // decided by the scheduler, which owns the queue of executions
	}
	return nil, Problems{{Field: "type", Message: fmt.Sprintf("%s is not decided here", c.Type())}}
}

func (b *Board) expectCheck(id string, revision uint64) (Check, error) {
	check, ok := b.Check(id)
	if !ok {
		return Check{}, fmt.Errorf("check %q %w", clip(id), ErrNotFound)
	}
	return check, expectRevision("check", id, check.Revision, revision)
}

func (b *Board) expectService(id string, revision uint64) (Service, error) {
	service, ok := b.Service(id)
	if !ok {
		return Service{}, fmt.Errorf("service %q %w", clip(id), ErrNotFound)
	}
	return service, expectRevision("service", id, service.Revision, revision)
}

func expectRevision(kind, id string, actual, expected uint64) error {
	if expected == 0 || expected == actual {
		return nil
	}
	return fmt.Errorf("%s %q is at revision %d, not %d: %w: read it again and repeat the change", kind, clip(id), actual, expected, ErrRevision)
}

func (b *Board) registerCheck(d Definition, now time.Time) ([]Event, error) {
	d = d.WithDefaults()
	problems := d.Validate()
	b.requireService(&problems, d.Service)
	if len(problems) > 0 {
		return nil, problems
	}
	if _, taken := b.Check(d.ID); taken {
		return nil, fmt.Errorf("check %q %w: choose another id, or update the check", d.ID, ErrExists)
	}
	return b.withRollUps([]Event{CheckRegistered{Definition: d}}, now), nil
}

func (b *Board) requireService(p *Problems, id string) {
	if _, ok := b.Service(id); !ok && ValidID(id) {
		p.Add("service", "%q does not exist: register the service first", id)
	}
}

func (b *Board) updateCheck(c UpdateCheck, now time.Time) ([]Event, error) {
	before, err := b.expectCheck(c.Definition.ID, c.ExpectedRevision)
	if err != nil {
		return nil, err
	}
	d := c.Definition.WithDefaults()
	problems := d.Validate()
	b.requireService(&problems, d.Service)
	if len(problems) > 0 {
		return nil, problems
	}
	var events []Event
	paused := d.Paused
	if d.Paused = before.Paused; !reflect.DeepEqual(d, before.Definition) {
		events = append(events, CheckUpdated{Definition: d})
	}
	after := before
	after.Definition = d
	switch {
	case paused && !before.Paused:
		events = append(events, b.pause(after, now)...)
	case !paused && before.Paused:
		events = append(events, b.resume(after, now)...)
	}
	return b.withRollUps(events, now), nil
}

func (b *Board) deleteCheck(c DeleteCheck, now time.Time) ([]Event, error) {
	check, err := b.expectCheck(c.CheckID, c.ExpectedRevision)
	if err != nil {
		return nil, err
	}
	events := []Event{CheckDeleted{CheckID: check.ID, Service: check.Service, From: check.Status}}
	events = append(events, b.resolve(check, now, "deleted")...)
	return b.withRollUps(events, now), nil
}

func (b *Board) pause(c Check, now time.Time) []Event {
	events := []Event{
		CheckPaused{CheckID: c.ID, Service: c.Service},
		CheckStatusChanged{CheckID: c.ID, Service: c.Service, From: c.Status, To: StatusPaused, At: now, Reason: "paused"},
	}
	return append(events, b.resolve(c, now, "paused")...)
}

func (b *Board) resume(c Check, now time.Time) []Event {
	return []Event{
		CheckResumed{CheckID: c.ID, Service: c.Service},
		CheckStatusChanged{CheckID: c.ID, Service: c.Service, From: c.Status, To: StatusUnknown, At: now, Reason: "resumed"},
	}
}

func (b *Board) registerService(d ServiceDefinition) ([]Event, error) {
	d = d.WithDefaults()
	if err := d.Validate().Err(); err != nil {
		return nil, err
	}
	if _, taken := b.Service(d.ID); taken {
		return nil, fmt.Errorf("service %q %w: choose another id, or update the service", d.ID, ErrExists)
	}
	return []Event{ServiceRegistered{Definition: d}}, nil
}

func (b *Board) updateService(c UpdateService, now time.Time) ([]Event, error) {
	before, err := b.expectService(c.Definition.ID, c.ExpectedRevision)
	if err != nil {
		return nil, err
	}
	d := c.Definition.WithDefaults()
	if err := d.Validate().Err(); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(d, before.ServiceDefinition) {
		return nil, nil
	}
	return b.withRollUps([]Event{ServiceUpdated{Definition: d}}, now), nil
}

func (b *Board) deleteService(c DeleteService) ([]Event, error) {
	service, err := b.expectService(c.ServiceID, c.ExpectedRevision)
	if err != nil {
		return nil, err
	}
	if m := b.members[c.ServiceID]; m != nil && len(m.ids) > 0 {
		return nil, fmt.Errorf("service %q is %w by %d checks: delete or move them first", c.ServiceID, ErrInUse, len(m.ids))
	}
	return []Event{ServiceDeleted{ServiceID: c.ServiceID, From: service.Status}}, nil
}
