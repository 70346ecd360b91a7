package readmodel

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// The buckets whose keys the reader treats in a way of their own.
const (
	activityBucket = "activity"
	historyBucket  = "history"
)

// The keys of the buckets. Each has a prefix, lest an id be taken for bus.CheckpointKey.
const (
	checkPrefix      = "check."
	servicePrefix    = "service."
	statusPagePrefix = "statuspage."
	correctionPrefix = "correction."
	incidentPrefix   = "incident."
	runnerPrefix     = "runner."
	overviewKey      = "overview"
	pagePrefix       = "page."
	todayPrefix      = "today."
	dayPrefix        = "day."
	spanPrefix       = "span."
	openPrefix       = "open."
	chunkPrefix      = "chunk."
)

// token makes one token of a key of any id: those that are tokens are kept as they are.
func token(id string) string {
	if monitor.ValidID(id) {
		return id
	}
	return "=" + base64.RawURLEncoding.EncodeToString([]byte(id))
}

// encode writes a value of our own types, which always succeeds.
func encode(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("readmodel: %T cannot be written as JSON: %v", value, err))
	}
	return raw
}

// views are entries of one kind by id, those changed marked.
type views[V any] struct {
	prefix string
	id     func(*V) string
	byID   map[string]*V
	dirty  map[string]struct{}
}

func newViews[V any](prefix string, id func(*V) string) views[V] {
	return views[V]{prefix: prefix, id: id, byID: make(map[string]*V), dirty: make(map[string]struct{})}
}

func (v *views[V]) put(id string, view *V) {
	v.byID[id] = view
	v.dirty[id] = struct{}{}
}

func (v *views[V]) remove(id string) {
	delete(v.byID, id)
	v.dirty[id] = struct{}{}
}

// Dirty implements Projection.
func (v *views[V]) Dirty() []Change {
	changes := make([]Change, 0, len(v.dirty))
	for id := range v.dirty {
		c := Change{Key: v.prefix + token(id)}
		if view := v.byID[id]; view != nil {
			c.Value = encode(view)
		}
		changes = append(changes, c)
	}
	clear(v.dirty)
	return sorted(changes)
}

func sorted(changes []Change) []Change {
	slices.SortFunc(changes, func(x, y Change) int { return strings.Compare(x.Key, y.Key) })
	return changes
}

// Needs implements Projection.
func (v *views[V]) Needs() []string { return []string{v.prefix + "*"} }

// Restore implements Projection.
func (v *views[V]) Restore(entries []bus.Entry) error {
	for _, e := range entries {
		view := new(V)
		if err := json.Unmarshal(e.Value, view); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
		if e.Key != v.prefix+token(v.id(view)) {
			return fmt.Errorf("entry %s holds %q", e.Key, v.id(view))
		}
		v.byID[v.id(view)] = view
	}
	return nil
}
