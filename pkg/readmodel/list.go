package readmodel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// selection gathers one page of a list from all items, offered in any order.
type selection[T any] struct {
	order order
	list  uint64
	limit int
	after *place
	// items are those after the place that may be on the page, or tell of a next one; sorted are how
	// many of them are the first in order, of those offered by then.
	items  []placed[T]
	sorted int
	total  int
}

type placed[T any] struct {
	place place
	item  T
}

func newSelection[T any](o order, list uint64, limit int, cursor string) (*selection[T], error) {
	limit, err := limitOf(limit)
	if err != nil {
		return nil, err
	}
	after, err := placeOf(cursor, list)
	if err != nil {
		return nil, err
	}
	return &selection[T]{order: o, list: list, limit: limit, after: after}, nil
}

func (s *selection[T]) offer(at place, item T) {
	s.total++
	if s.after != nil && s.order.compare(at, *s.after) <= 0 {
		return
	}
	if s.sorted > s.limit && s.order.compare(at, s.items[s.limit].place) >= 0 {
		return
	}
	s.items = append(s.items, placed[T]{at, item})
	if len(s.items) >= 4*(s.limit+1) {
		s.trim()
	}
}

// trim keeps the first items, one more than the limit.
func (s *selection[T]) trim() {
	slices.SortFunc(s.items, func(x, y placed[T]) int { return s.order.compare(x.place, y.place) })
	s.items = s.items[:min(len(s.items), s.limit+1)]
	s.sorted = len(s.items)
}

func pageFrom[T, V any](s *selection[T], view func(T) V) Page[V] {
	s.trim()
	p := Page[V]{Items: make([]V, 0, min(s.limit, len(s.items))), Total: s.total}
	if len(s.items) > s.limit {
		at := s.items[s.limit-1].place
		at.List = s.list
		p.NextCursor = at.cursor()
		s.items = s.items[:s.limit]
	}
	for _, item := range s.items {
		p.Items = append(p.Items, view(item.item))
	}
	return p
}

// filter is a query made ready.
type filter struct {
	text     string
	statuses []monitor.Status
	service  string
	kind     string
	labels   []label
	sort     string
	order    order
	list     uint64
}

type label struct {
	key, value string
	any        bool
}

func newFilter(what string, q Query, sorts ...string) (filter, error) {
	f := filter{text: strings.ToLower(q.Text), statuses: q.Statuses, service: q.Service, kind: q.Kind}
	f.sort, f.order.descending = strings.CutPrefix(q.Sort, "-")
	if f.sort == "" && !f.order.descending {
		f.sort = "id"
	}
	if !slices.Contains(sorts, f.sort) {
		return filter{}, fmt.Errorf("%w: sort %q: use one of %s", ErrQuery, q.Sort, strings.Join(sorts, ", "))
	}
	for _, s := range q.Statuses {
		if !s.Valid() {
			return filter{}, fmt.Errorf("%w: status %q: use one of %v", ErrQuery, s, monitor.Statuses())
		}
	}
	for _, l := range q.Labels {
		key, value, exact := strings.Cut(l, "=")
		if key == "" {
			return filter{}, fmt.Errorf("%w: label %q: use key or key=value", ErrQuery, l)
		}
		f.labels = append(f.labels, label{key, value, !exact})
	}
	f.list = listOf(what, q.Text, q.Statuses, q.Service, q.Kind, q.Labels, q.Sort)
	return f, nil
}

// matches compares with an item; text is in lower case.
func (f *filter) matches(text string, status monitor.Status) bool {
	if len(f.statuses) > 0 && !slices.Contains(f.statuses, status) {
		return false
	}
	return f.text == "" || strings.Contains(text, f.text)
}

// labelled compares with an item's labels.
func (f *filter) labelled(labels map[string]string) bool {
	for _, l := range f.labels {
		if value, there := labels[l.key]; !there || (!l.any && value != l.value) {
			return false
		}
	}
	return true
}

// haystack is the text in which a query is searched for.
func haystack(labels map[string]string, texts ...string) string {
	for key, value := range labels {
		texts = append(texts, key+"="+value)
	}
	return strings.ToLower(strings.Join(texts, "\n"))
}

// rank is a status's place in monitor.Statuses.
func rank(s monitor.Status) float64 {
	switch s {
	case monitor.StatusDown:
		return 0
	case monitor.StatusDegraded:
		return 1
	case monitor.StatusUp:
		return 2
	case monitor.StatusUnknown:
		return 3
	case monitor.StatusMaintenance:
		return 4
	case monitor.StatusPaused:
		return 5
	}
	return 6
}
