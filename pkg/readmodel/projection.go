package readmodel

import (
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Projection is a read model as a pure fold of one of the two logs. It never does I/O, reads a clock
// or fails. The same messages always give the same bytes, however they come in batches; a message
// at or before what an entry has seen changes nothing. It is not safe for concurrent use.
type Projection interface {
	// Name is that of the bucket. Version changes with the meaning of what is kept: then the
	// projection is rebuilt.
	Name() string
	Version() int
	// OfResults tells which log is folded: RESULTS, or EVENTS.
	OfResults() bool
	// Apply folds one message.
	Apply(m monitor.EventMessage)
	// Dirty returns the entries that have changed since the last call, in the order in which they
	// must be written where they do not go into one batch: should only the first of them be written,
	// folding the same messages again makes up for the rest.
	Dirty() []Change
	// Needs are the patterns of the entries that Restore wants.
	Needs() []string
	// Restore goes on from entries of the bucket. It is called before Apply, at most once.
	Restore(entries []bus.Entry) error
}

// Unhurried is a Projection of events for which nobody waits who has just written: it is flushed as
// seldom as those of results.
type Unhurried interface{ Unhurried() }

// Change is a new value of an entry; nil deletes it.
type Change struct {
	Key   string
	Value []byte
}

// Projections is the table of the read models: fresh ones at each call.
func Projections() []Projection {
	return []Projection{
		newChecks(),
		newServices(),
		newStatusPages(),
		newCorrections(),
		newIncidents(),
		newRunners(),
		newOverview(),
		newTimeline(),
		newCounts(),
		newActivity(),
		newHistory(),
		newTraces(),
	}
}

// Checkpoint says how far a bucket's projection has come. It is kept under bus.CheckpointKey.
type Checkpoint = ProjectionState

// Heir is a projection of RESULTS whose next generation can go on from what an older one holds of the
// time before the log's beginning, as retention leaves it. What the log still holds is folded anew.
type Heir interface {
	Projection
	// Heirlooms are the patterns of the entries that Inherit wants.
	Heirlooms() []string
	// Inherit takes over one entry, before any message is applied. It returns entries to be written as
	// they are; others come with the next Dirty.
	Inherit(e bus.Entry, log Beginning) ([]Change, error)
}

// Beginning is where a log begins.
type Beginning struct {
	// First is the sequence of its first message, which was stored At.
	First uint64
	At    time.Time
}
