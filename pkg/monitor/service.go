package monitor

import "time"

// Rollup is the policy by which the statuses of its checks become a service's status.
type Rollup string

// The roll-up policies. Paused checks and those under maintenance are left out, unless all are.
const (
	// RollupWorst is the default: the worst status wins; unknown is worse than up.
	RollupWorst Rollup = "worst"
	// RollupBest lets the best status win: for redundant checks of which one suffices.
	RollupBest Rollup = "best"
	// RollupMajority is down when more than half of the checks are, degraded when any is not up.
	RollupMajority Rollup = "majority"
)

// Rollups returns every policy.
func Rollups() []Rollup { return []Rollup{RollupWorst, RollupBest, RollupMajority} }

// ServiceDefinition is what a user says of a service.
type ServiceDefinition struct {
	// ID is [a-z0-9][a-z0-9_-]{0,63}.
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Rollup      Rollup            `json:"rollup"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// WithDefaults returns d with name and policy set.
func (d ServiceDefinition) WithDefaults() ServiceDefinition {
	if d.Name == "" {
		d.Name = d.ID
	}
	if d.Rollup == "" {
		d.Rollup = RollupWorst
	}
	return d
}

// Service is a service as the events tell it.
type Service struct {
	ServiceDefinition
	Revision    uint64    `json:"revision"`
	Status      Status    `json:"status"`
	StatusSince time.Time `json:"status_since"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Incident is the time for which a check was down.
type Incident struct {
	ID         string    `json:"id"`
	CheckID    string    `json:"check_id"`
	Service    string    `json:"service"`
	OpenedAt   time.Time `json:"opened_at"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	// Cause is what failed: the error or the assertion with its actual value.
	Cause string `json:"cause"`
	// Resolution says how it ended: "recovered", "paused", "deleted"; empty while open.
	Resolution string `json:"resolution,omitempty"`
	// DurationMS is set when it is resolved.
	DurationMS int64 `json:"duration_ms,omitempty"`
}

// Open reports whether the incident is not yet resolved.
func (i Incident) Open() bool { return i.ResolvedAt.IsZero() }

// Runner is a process that executes checks at one location.
type Runner struct {
	ID          string    `json:"id"`
	Location    string    `json:"location"`
	Host        string    `json:"host,omitempty"`
	Version     string    `json:"version,omitempty"`
	Concurrency int       `json:"concurrency"`
	JoinedAt    time.Time `json:"joined_at,omitzero"`
	LeftAt      time.Time `json:"left_at,omitzero"`
	// Reason is why it left: "stopped" or "silent".
	Reason string `json:"reason,omitempty"`
}
