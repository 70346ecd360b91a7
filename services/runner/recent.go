package runner

// recent remembers the last ids put into it, as many as it has places.
type recent struct {
	ids  map[string]struct{}
	ring []string
	next int
}

func newRecent(places int) *recent {
	return &recent{ids: make(map[string]struct{}), ring: make([]string, places)}
}

func (r *recent) has(id string) bool {
	_, ok := r.ids[id]
	return ok
}

func (r *recent) add(id string) {
	if r.has(id) {
		return
	}
	if old := r.ring[r.next]; old != "" {
		delete(r.ids, old)
	}
	r.ring[r.next] = id
	r.ids[id] = struct{}{}
	r.next = (r.next + 1) % len(r.ring)
}
