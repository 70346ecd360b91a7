// Package recent remembers what was lately seen, within bounded memory.
package recent

// IDs remembers the last ids put into it, as many as it has places. It is not safe for concurrent
// use.
type IDs struct {
	known map[string]struct{}
	ring  []string
	next  int
}

// NewIDs returns an empty memory of so many places, at least 1.
func NewIDs(places int) *IDs {
	return &IDs{known: make(map[string]struct{}), ring: make([]string, max(1, places))}
}

// Has reports whether id is remembered.
func (r *IDs) Has(id string) bool {
	_, ok := r.known[id]
	return ok
}

// Add remembers id, and forgets the one put in first when there is no place left.
func (r *IDs) Add(id string) {
	if r.Has(id) {
		return
	}
	if old := r.ring[r.next]; old != "" {
		delete(r.known, old)
	}
	r.ring[r.next] = id
	r.known[id] = struct{}{}
	r.next = (r.next + 1) % len(r.ring)
}
