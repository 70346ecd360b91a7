package readmodel

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Query selects from a list. Empty fields select all. ErrQuery: a field is out of bounds.
type Query struct {
	// Text is searched for, without regard to case, in id, name, target and labels.
	Text     string
	Statuses []monitor.Status
	// Service and Kind select checks; services have neither.
	Service string
	Kind    string
	// Labels are "key=value" or "key"; all must match.
	Labels []string
	// Sort is "status" (worst first), "name", "id", "updated_at", and for checks "latency" and
	// "uptime" (of 24 hours), those without one last; a leading "-" reverses. The default is "id".
	// Ties are broken by id.
	Sort string
	// Limit bounds the page, [1, 1000], default 100; Cursor is the NextCursor of the page before.
	Limit  int
	Cursor string
}

// Page is one page of a list. Total counts all that match.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
	Total      int    `json:"total"`
	Instant
}

// CheckRepository reads checks. What a view points to may be shared with others: it must not be
// changed. Errors: monitor.ErrNotFound; ErrCursor for a cursor it did not give; ErrQuery.
type CheckRepository interface {
	// Check returns a check with the uptime of every window; of 24 hours only while the store is away.
	Check(ctx context.Context, id string) (CheckView, error)
	// Checks answers from memory; of the uptimes it has that of 24 hours.
	Checks(ctx context.Context, query Query) (Page[CheckView], error)
}

// ServiceRepository reads services. Errors as CheckRepository.
type ServiceRepository interface {
	Service(ctx context.Context, id string) (ServiceView, error)
	Services(ctx context.Context, query Query) (Page[ServiceView], error)
}

// ResultQuery selects from the history of one check.
type ResultQuery struct {
	// From is inclusive, To exclusive, both by due time; zero is open.
	From, To time.Time
	Outcomes []monitor.Outcome
	// Limit bounds the page, [1, 1000], default 100; Cursor is the NextCursor of the page before.
	Limit  int
	Cursor string
}

// ResultRepository reads the history of one check. Errors: monitor.ErrNotFound for a check that does
// not exist; ErrCursor; ErrQuery.
type ResultRepository interface {
	// Results returns results in the order in which they came, newest first: at least the last 10,000
	// of a check are kept.
	Results(ctx context.Context, checkID string, query ResultQuery) (Page[monitor.Result], error)
	// Uptime returns the windows "24h", "7d", "30d" and "90d" as of now.
	Uptime(ctx context.Context, checkID string, now time.Time) (map[string]Uptime, error)
	// Days returns the uptime of each of the last days, 1 to 91, up to the UTC day at hand, oldest first;
	// a day without any execution has neither ratio nor expected ones.
	Days(ctx context.Context, checkID string, days int, now time.Time) ([]DayUptime, error)
	// Latency returns a series over the window up to now; step is an hour up to 7d, else a day. Steps
	// without any latency are left out.
	Latency(ctx context.Context, checkID, window string, now time.Time) ([]LatencyPoint, error)
}

// IncidentQuery selects incidents.
type IncidentQuery struct {
	// Open selects those open (true), resolved (false) or both (nil).
	Open           *bool
	Check, Service string
	Limit          int
	Cursor         string
}

// IncidentRepository reads incidents, newest first.
type IncidentRepository interface {
	Incident(ctx context.Context, id string) (IncidentView, error)
	Incidents(ctx context.Context, query IncidentQuery) (Page[IncidentView], error)
}

// RunnerRepository reads runners.
type RunnerRepository interface {
	Runners(ctx context.Context) ([]RunnerView, error)
}

// OverviewRepository reads the counts.
type OverviewRepository interface {
	Overview(ctx context.Context) (Overview, error)
}

// PastRepository reads the past.
type PastRepository interface {
	// At returns the board as it stood at an instant that has come; settled says that nothing is to come any
	// more that was decided by then.
	At(ctx context.Context, at time.Time, settled bool) (*Moment, error)
	// CheckAt returns as much of it as tells of one check, and more by chance.
	CheckAt(ctx context.Context, at time.Time, id string) (*Moment, error)
	// WaitForTimeline returns when At knows EVENTS up to sequence, or with ctx's error.
	WaitForTimeline(ctx context.Context, sequence uint64) error
	// History returns how many checks had each status, in buckets of a step.
	History(ctx context.Context, from, to time.Time, step time.Duration) (History, error)
	// IncidentEvents returns the events about the incidents of a check after one, up to an instant.
	IncidentEvents(ctx context.Context, checkID string, after uint64, to time.Time) ([]monitor.EventMessage, error)
	// TracesKeptSince is from when on traces are kept, zero where none was dropped; not ok while they are
	// built.
	TracesKeptSince() (since time.Time, ok bool)
	// Traces opens the traces of some checks, of all where none is named.
	Traces(ctx context.Context, checks ...string) (*Traces, error)
}

// CorrectionRepository reads the corrections, withdrawn ones too. Errors: monitor.ErrNotFound; ErrCursor;
// ErrQuery.
type CorrectionRepository interface {
	Correction(ctx context.Context, id string) (CorrectionView, error)
	// Corrections returns those of the latest spans first.
	Corrections(ctx context.Context, query CorrectionQuery) (Page[CorrectionView], error)
}

// StatusPageRepository reads the public status pages. Errors: monitor.ErrNotFound.
type StatusPageRepository interface {
	StatusPage(ctx context.Context, id string) (StatusPageView, error)
	// StatusPages returns all, by id.
	StatusPages(ctx context.Context) ([]StatusPageView, error)
}

// Reads is every repository together, and the wait for one's own write.
type Reads interface {
	PastRepository
	CheckRepository
	ServiceRepository
	ResultRepository
	IncidentRepository
	RunnerRepository
	OverviewRepository
	StatusPageRepository
	CorrectionRepository
	// WaitFor returns when every read model shows EVENTS up to sequence, or with ctx's error.
	WaitFor(ctx context.Context, sequence uint64) error
	// Projections says how far each projection had come when it last flushed, in the order of the
	// table, and which generations there are of it; of one that has not flushed only the name is set.
	Projections() []ProjectionView
	// Projection is that of one name, which must be one of the table's; news is closed when there is
	// news of its generations.
	Projection(name string) (view ProjectionView, news <-chan struct{})
}

// ProjectionState is how far a projection has come.
type ProjectionState struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Events and Results are the positions reached in the two logs; 0 for a log it does not read.
	Events  uint64 `json:"events"`
	Results uint64 `json:"results"`
	// FlushedAt is when the checkpoint was written.
	FlushedAt time.Time `json:"flushed_at,omitzero"`
	// Rebuilding is true while it folds what the log held when it began from nothing.
	Rebuilding bool `json:"rebuilding,omitempty"`
}
