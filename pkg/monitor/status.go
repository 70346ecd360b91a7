package monitor

// Status is what the board shows of a check or a service.
type Status string

// The statuses. Unknown means no data, or none recent enough; it is never counted as up.
const (
	StatusUp          Status = "up"
	StatusDegraded    Status = "degraded"
	StatusDown        Status = "down"
	StatusUnknown     Status = "unknown"
	StatusPaused      Status = "paused"
	StatusMaintenance Status = "maintenance"
)

// Statuses returns every status, worst first: the order in which boards list them.
func Statuses() []Status {
	return []Status{StatusDown, StatusDegraded, StatusUp, StatusUnknown, StatusMaintenance, StatusPaused}
}

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool {
	switch s {
	case StatusUp, StatusDegraded, StatusDown, StatusUnknown, StatusPaused, StatusMaintenance:
		return true
	}
	return false
}

// Letter is the status in one character, as used in heartbeat bars: U, G (degraded), D, ? , P, M.
func (s Status) Letter() byte {
	switch s {
	case StatusUp:
		return 'U'
	case StatusDegraded:
		return 'G'
	case StatusDown:
		return 'D'
	case StatusPaused:
		return 'P'
	case StatusMaintenance:
		return 'M'
	case StatusUnknown:
		return '?'
	}
	return '?'
}

// Outcome is how one execution of a check ended.
type Outcome string

// The outcomes. Error means that the check itself could not run (a missing secret, an isolated
// runner): it says nothing about the target and never counts as down.
const (
	OutcomeSuccess  Outcome = "success"
	OutcomeDegraded Outcome = "degraded"
	OutcomeFailure  Outcome = "failure"
	OutcomeError    Outcome = "error"
)

// Outcomes returns every outcome.
func Outcomes() []Outcome {
	return []Outcome{OutcomeSuccess, OutcomeDegraded, OutcomeFailure, OutcomeError}
}

// Letter is the outcome in one character, as used in heartbeat bars: U, G, D, E.
func (o Outcome) Letter() byte {
	switch o {
	case OutcomeSuccess:
		return 'U'
	case OutcomeDegraded:
		return 'G'
	case OutcomeFailure:
		return 'D'
	case OutcomeError:
		return 'E'
	}
	return '?'
}
