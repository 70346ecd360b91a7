package monitor

import "time"

// Event records what happened. The set is sealed, and a type once written stays readable for ever.
//
//sumtype:decl
type Event interface {
	// Type is the literal wire name with its version, "vedette.check.registered.v1".
	Type() string
	// Aggregate is what the event is about: its kind ("check", "service", "page", "correction",
	// "incident", "runner", "result") and id.
	Aggregate() (kind, id string)
	// Verb is the last token of the event's subject, past tense: "registered".
	Verb() string
	sealedEvent()
}

// CheckRegistered says that a check came to be.
type CheckRegistered struct {
	Definition Definition `json:"definition"`
}

// CheckUpdated carries the new definition whole.
type CheckUpdated struct {
	Definition Definition `json:"definition"`
}

// CheckDeleted says that a check is gone; its history is kept.
type CheckDeleted struct {
	CheckID string `json:"check_id"`
	Service string `json:"service"`
	// From is the status that it had.
	From Status `json:"from"`
}

// CheckPaused says that a check is no longer executed.
type CheckPaused struct {
	CheckID string `json:"check_id"`
	Service string `json:"service"`
}

// CheckResumed says that it is again.
type CheckResumed struct {
	CheckID string `json:"check_id"`
	Service string `json:"service"`
}

// CheckSucceeded ends an execution whose outcome is success or degraded. It lives in RESULTS.
type CheckSucceeded struct {
	Result Result `json:"result"`
}

// CheckFailed ends an execution whose outcome is failure or error. It lives in RESULTS.
type CheckFailed struct {
	Result Result `json:"result"`
}

// CheckStatusChanged is a decision: the check's status is another one.
type CheckStatusChanged struct {
	CheckID string `json:"check_id"`
	Service string `json:"service"`
	From    Status `json:"from"`
	To      Status `json:"to"`
	// At is when the result that decided it was finished, or when the data became stale.
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	// Position is the place in RESULTS up to which results were counted.
	Position Position `json:"position,omitzero"`
	// ResultID names the deciding execution; empty when silence decided.
	ResultID string `json:"result_id,omitempty"`
}

// ServiceRegistered says that a service came to be.
type ServiceRegistered struct {
	Definition ServiceDefinition `json:"definition"`
}

// ServiceUpdated carries the new definition whole.
type ServiceUpdated struct {
	Definition ServiceDefinition `json:"definition"`
}

// ServiceDeleted says that a service is gone.
type ServiceDeleted struct {
	ServiceID string `json:"service_id"`
	// From is the status that it had.
	From Status `json:"from"`
}

// ServiceStatusChanged is a decision: the roll-up of the service's checks is another status.
type ServiceStatusChanged struct {
	ServiceID string    `json:"service_id"`
	From      Status    `json:"from"`
	To        Status    `json:"to"`
	At        time.Time `json:"at"`
	// CheckID is the check whose change caused this one; empty when a change of policy did.
	CheckID string `json:"check_id,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// PageRegistered says that a public status page came to be.
type PageRegistered struct {
	Definition PageDefinition `json:"definition"`
}

// PageUpdated carries the new definition whole.
type PageUpdated struct {
	Definition PageDefinition `json:"definition"`
}

// PageDeleted says that a page is gone.
type PageDeleted struct {
	PageID string `json:"page_id"`
}

// CorrectionAdded says that a past span counts otherwise than it was found, from now on.
type CorrectionAdded struct {
	Definition CorrectionDefinition `json:"definition"`
}

// CorrectionWithdrawn says that it does not any more.
type CorrectionWithdrawn struct {
	CorrectionID string `json:"correction_id"`
	// Check or Service is what it was about.
	Check   string `json:"check,omitempty"`
	Service string `json:"service,omitempty"`
	Reason  string `json:"reason"`
}

// IncidentOpened says that a check went down.
type IncidentOpened struct {
	IncidentID string    `json:"incident_id"`
	CheckID    string    `json:"check_id"`
	Service    string    `json:"service"`
	OpenedAt   time.Time `json:"opened_at"`
	Cause      string    `json:"cause"`
	ResultID   string    `json:"result_id,omitempty"`
}

// IncidentResolved says that it is over, and how: "recovered", "paused" or "deleted".
type IncidentResolved struct {
	IncidentID string    `json:"incident_id"`
	CheckID    string    `json:"check_id"`
	Service    string    `json:"service"`
	OpenedAt   time.Time `json:"opened_at"`
	ResolvedAt time.Time `json:"resolved_at"`
	DurationMS int64     `json:"duration_ms"`
	Resolution string    `json:"resolution"`
}

// RunnerJoined says that a runner's heartbeats are heard.
type RunnerJoined struct {
	RunnerID    string    `json:"runner_id"`
	Location    string    `json:"location"`
	Host        string    `json:"host,omitempty"`
	Version     string    `json:"version,omitempty"`
	Concurrency int       `json:"concurrency"`
	At          time.Time `json:"at"`
}

// RunnerLeft says that they are not any more: it "stopped", or went "silent".
type RunnerLeft struct {
	RunnerID string    `json:"runner_id"`
	Location string    `json:"location"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}

func (CheckRegistered) Type() string      { return "vedette.check.registered.v1" }
func (CheckUpdated) Type() string         { return "vedette.check.updated.v1" }
func (CheckDeleted) Type() string         { return "vedette.check.deleted.v1" }
func (CheckPaused) Type() string          { return "vedette.check.paused.v1" }
func (CheckResumed) Type() string         { return "vedette.check.resumed.v1" }
func (CheckSucceeded) Type() string       { return "vedette.check.succeeded.v1" }
func (CheckFailed) Type() string          { return "vedette.check.failed.v1" }
func (CheckStatusChanged) Type() string   { return "vedette.check.status_changed.v1" }
func (ServiceRegistered) Type() string    { return "vedette.service.registered.v1" }
func (ServiceUpdated) Type() string       { return "vedette.service.updated.v1" }
func (ServiceDeleted) Type() string       { return "vedette.service.deleted.v1" }
func (PageRegistered) Type() string       { return "vedette.page.registered.v1" }
func (PageUpdated) Type() string          { return "vedette.page.updated.v1" }
func (PageDeleted) Type() string          { return "vedette.page.deleted.v1" }
func (ServiceStatusChanged) Type() string { return "vedette.service.status_changed.v1" }
func (CorrectionAdded) Type() string      { return "vedette.correction.added.v1" }
func (CorrectionWithdrawn) Type() string  { return "vedette.correction.withdrawn.v1" }
func (IncidentOpened) Type() string       { return "vedette.incident.opened.v1" }
func (IncidentResolved) Type() string     { return "vedette.incident.resolved.v1" }
func (RunnerJoined) Type() string         { return "vedette.runner.joined.v1" }
func (RunnerLeft) Type() string           { return "vedette.runner.left.v1" }

func (e CheckRegistered) Aggregate() (kind, id string)      { return "check", e.Definition.ID }
func (e CheckUpdated) Aggregate() (kind, id string)         { return "check", e.Definition.ID }
func (e CheckDeleted) Aggregate() (kind, id string)         { return "check", e.CheckID }
func (e CheckPaused) Aggregate() (kind, id string)          { return "check", e.CheckID }
func (e CheckResumed) Aggregate() (kind, id string)         { return "check", e.CheckID }
func (e CheckSucceeded) Aggregate() (kind, id string)       { return "result", e.Result.CheckID }
func (e CheckFailed) Aggregate() (kind, id string)          { return "result", e.Result.CheckID }
func (e CheckStatusChanged) Aggregate() (kind, id string)   { return "check", e.CheckID }
func (e ServiceRegistered) Aggregate() (kind, id string)    { return "service", e.Definition.ID }
func (e ServiceUpdated) Aggregate() (kind, id string)       { return "service", e.Definition.ID }
func (e ServiceDeleted) Aggregate() (kind, id string)       { return "service", e.ServiceID }
func (e PageRegistered) Aggregate() (kind, id string)       { return "page", e.Definition.ID }
func (e PageUpdated) Aggregate() (kind, id string)          { return "page", e.Definition.ID }
func (e PageDeleted) Aggregate() (kind, id string)          { return "page", e.PageID }
func (e ServiceStatusChanged) Aggregate() (kind, id string) { return "service", e.ServiceID }
func (e CorrectionAdded) Aggregate() (kind, id string)      { return "correction", e.Definition.ID }
func (e CorrectionWithdrawn) Aggregate() (kind, id string)  { return "correction", e.CorrectionID }
func (e IncidentOpened) Aggregate() (kind, id string)       { return "incident", e.IncidentID }
func (e IncidentResolved) Aggregate() (kind, id string)     { return "incident", e.IncidentID }
func (e RunnerJoined) Aggregate() (kind, id string)         { return "runner", e.RunnerID }
func (e RunnerLeft) Aggregate() (kind, id string)           { return "runner", e.RunnerID }

func (CheckRegistered) Verb() string      { return "registered" }
func (CheckUpdated) Verb() string         { return "updated" }
func (CheckDeleted) Verb() string         { return "deleted" }
func (CheckPaused) Verb() string          { return "paused" }
func (CheckResumed) Verb() string         { return "resumed" }
func (CheckSucceeded) Verb() string       { return "succeeded" }
func (CheckFailed) Verb() string          { return "failed" }
func (CheckStatusChanged) Verb() string   { return "status_changed" }
func (ServiceRegistered) Verb() string    { return "registered" }
func (ServiceUpdated) Verb() string       { return "updated" }
func (ServiceDeleted) Verb() string       { return "deleted" }
func (PageRegistered) Verb() string       { return "registered" }
func (PageUpdated) Verb() string          { return "updated" }
func (PageDeleted) Verb() string          { return "deleted" }
func (ServiceStatusChanged) Verb() string { return "status_changed" }
func (CorrectionAdded) Verb() string      { return "added" }
func (CorrectionWithdrawn) Verb() string  { return "withdrawn" }
func (IncidentOpened) Verb() string       { return "opened" }
func (IncidentResolved) Verb() string     { return "resolved" }
func (RunnerJoined) Verb() string         { return "joined" }
func (RunnerLeft) Verb() string           { return "left" }

func (CheckRegistered) sealedEvent()      {}
func (CheckUpdated) sealedEvent()         {}
func (CheckDeleted) sealedEvent()         {}
func (CheckPaused) sealedEvent()          {}
func (CheckResumed) sealedEvent()         {}
func (CheckSucceeded) sealedEvent()       {}
func (CheckFailed) sealedEvent()          {}
func (CheckStatusChanged) sealedEvent()   {}
func (ServiceRegistered) sealedEvent()    {}
func (ServiceUpdated) sealedEvent()       {}
func (ServiceDeleted) sealedEvent()       {}
func (PageRegistered) sealedEvent()       {}
func (PageUpdated) sealedEvent()          {}
func (PageDeleted) sealedEvent()          {}
func (ServiceStatusChanged) sealedEvent() {}
func (CorrectionAdded) sealedEvent()      {}
func (CorrectionWithdrawn) sealedEvent()  {}
func (IncidentOpened) sealedEvent()       {}
func (IncidentResolved) sealedEvent()     {}
func (RunnerJoined) sealedEvent()         {}
func (RunnerLeft) sealedEvent()           {}

// Events returns the zero value of every event: the codec and the docs are built from it.
func Events() []Event {
	return []Event{
		CheckRegistered{}, CheckUpdated{}, CheckDeleted{}, CheckPaused{}, CheckResumed{},
		CheckSucceeded{}, CheckFailed{}, CheckStatusChanged{},
		ServiceRegistered{}, ServiceUpdated{}, ServiceDeleted{}, ServiceStatusChanged{},
		PageRegistered{}, PageUpdated{}, PageDeleted{}, CorrectionAdded{}, CorrectionWithdrawn{},
		IncidentOpened{}, IncidentResolved{}, RunnerJoined{}, RunnerLeft{},
	}
}

// Executed returns the event that ends an execution with result r.
func Executed(r Result) Event {
	if r.Outcome == OutcomeSuccess || r.Outcome == OutcomeDegraded {
		return CheckSucceeded{Result: r}
	}
	return CheckFailed{Result: r}
}

// ResultOf returns the result that e carries, if it ends an execution.
func ResultOf(e Event) (Result, bool) {
	if succeeded, ok := e.(CheckSucceeded); ok {
		return succeeded.Result, true
	}
	failed, ok := e.(CheckFailed)
	return failed.Result, ok
}
