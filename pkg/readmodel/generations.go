package readmodel

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// GenerationsBucket says which bucket of each read model serves. Under bus.CheckpointKey it holds the
// Generations: one entry, so that a switch is one write. Beside it stand, each under its prefix and
// the name of a projection, the Order last given, the BuildProgress of the build last begun, and the
// BuildComparison of the one last finished.
const GenerationsBucket = "generations"

// The prefixes of the keys in GenerationsBucket.
const (
	OrderPrefix      = "order."
	ProgressPrefix   = "progress."
	ComparisonPrefix = "comparison."
)

// Generations is the table of what there is of each projection, by name.
type Generations struct {
	// Fence is that of the projector that wrote it: one with a lower fence must not.
	Fence uint64             `json:"fence"`
	Of    map[string]Lineage `json:"of"`
}

// Lineage is what there is of one projection. Generations are numbered from 1; no number, and so no
// bucket, comes twice. 0 stands for none.
type Lineage struct {
	// Serving is the generation that is read, Previous the one before it, kept to go back to, and
	// Building the one that is brought up to date beside it.
	Serving  int `json:"serving"`
	Previous int `json:"previous,omitempty"`
	Building int `json:"building,omitempty"`
	// Latest is the highest number given.
	Latest int `json:"latest"`
	// Frozen says that nobody keeps the serving one up to date, for Reason: it serves as it stands.
	Frozen bool `json:"frozen,omitempty"`
	// Spoiled says that the serving one cannot be gone back to: it is removed at the switch.
	Spoiled bool `json:"spoiled,omitempty"`
	// Rollback says that the one being built is an old one that becomes the serving one again.
	Rollback bool `json:"rollback,omitempty"`
	// Reason says why the build was begun.
	Reason string `json:"reason,omitempty"`
	// Order is the id of the order last taken up; Failed says why it came to nothing.
	Order  string `json:"order,omitempty"`
	Failed string `json:"failed,omitempty"`
	// SwitchedAt is when the serving generation began to serve.
	SwitchedAt time.Time `json:"switched_at,omitzero"`
}

// Lineage returns that of a projection; known is false when the table has none, where the first
// generation serves.
func (g Generations) Lineage(name string) (lineage Lineage, known bool) {
	lineage, known = g.Of[name]
	if !known || lineage.Serving < 1 {
		return Lineage{Serving: 1, Latest: 1}, false
	}
	return lineage, true
}

// ReadGenerations reads the table as it is kept.
func ReadGenerations(raw []byte) (Generations, error) {
	var g Generations
	if err := json.Unmarshal(raw, &g); err != nil {
		return Generations{}, fmt.Errorf("read the table of generations: %w", err)
	}
	return g, nil
}

// BucketOf is the name of the bucket of a generation: the first one's is that of the projection.
func BucketOf(name string, generation int) string {
	if generation <= 1 {
		return name
	}
	return name + generationMark + strconv.Itoa(generation)
}

const generationMark = "_g"

// GenerationOf returns which generation of a projection a bucket holds; ok is false when it holds
// something else.
func GenerationOf(name, bucket string) (generation int, ok bool) {
	if bucket == name {
		return 1, true
	}
	digits, ok := strings.CutPrefix(bucket, name+generationMark)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 2 || BucketOf(name, n) != bucket {
		return 0, false
	}
	return n, true
}

// What may be ordered of a projection.
const (
	// OrderRebuild builds the next generation from the log and switches to it.
	OrderRebuild = "rebuild"
	// OrderRollback brings the previous generation up to date and switches back to it.
	OrderRollback = "rollback"
	// OrderPrune removes the previous generation.
	OrderPrune = "prune"
)

// Order tells the projector what to do about a projection. The one last given counts.
type Order struct {
	// ID tells it from others; it is carried out once.
	ID    string    `json:"id"`
	What  string    `json:"what"`
	Actor string    `json:"actor,omitempty"`
	At    time.Time `json:"at"`
}

// The phases of a build, in order.
const (
	PhaseWaiting    = "waiting"    // another one is being built first
	PhaseInheriting = "inheriting" // what the log no longer holds is taken over
	PhaseFolding    = "folding"    // the log is folded
	PhaseComparing  = "comparing"  // both generations are compared
	PhaseDone       = "done"       // it serves
	PhaseFailed     = "failed"     // it was given up
)

// BuildProgress is how far the build of a generation is.
type BuildProgress struct {
	Generation int       `json:"generation"`
	Rollback   bool      `json:"rollback,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Phase      string    `json:"phase"`
	StartedAt  time.Time `json:"started_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	// From and To are the sequences between which the log is folded, Position the one reached.
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Position uint64 `json:"position"`
	// Messages counts the events or results folded since StartedAt, or since the projector took the
	// build up again; PerSecond is their rate.
	Messages  int     `json:"messages"`
	PerSecond float64 `json:"per_second"`
	// Percent is how much of the log is folded; LeftMS the milliseconds until all of it is, at that rate.
	Percent float64 `json:"percent"`
	LeftMS  int64   `json:"left_ms,omitempty"`
	// Error says why it was given up.
	Error string `json:"error,omitempty"`
}

// Ended reports whether nothing comes after it.
func (p BuildProgress) Ended() bool { return p.Phase == PhaseDone || p.Phase == PhaseFailed }

// BuildComparison is what two generations of a projection hold, key by key.
type BuildComparison struct {
	Old int       `json:"old"`
	New int       `json:"new"`
	At  time.Time `json:"at"`
	// OldPosition and NewPosition are where they stood in the log. Where the two are not the same, as
	// when nobody kept the old one up to date, Note says why, and differences are to be expected.
	OldPosition uint64 `json:"old_position"`
	NewPosition uint64 `json:"new_position"`
	Note        string `json:"note,omitempty"`
	// Same, Different, OnlyOld and OnlyNew count keys.
	Same      int `json:"same"`
	Different int `json:"different"`
	OnlyOld   int `json:"only_old"`
	OnlyNew   int `json:"only_new"`
	// Samples are some of those that are not the same, at most ComparisonSamples.
	Samples []BuildSample `json:"samples"`
}

// ComparisonSamples bounds the samples of a BuildComparison.
const ComparisonSamples = 20

// BuildSample is a key whose value is not the same in two generations. Old and New show the values around
// the first difference, unpacked; one is empty where there is none.
type BuildSample struct {
	Key string `json:"key"`
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}
