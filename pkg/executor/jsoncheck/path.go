package jsoncheck

import (
	"fmt"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"
)

// path is a JSONPath whose work is bounded by the size of the document: in a document of some
// thousand values, paths without such bounds can find more than any memory holds.
type path struct {
	query *jsonpath.Path
	// single is whether it can find one value at most.
	single bool
}

func parsePath(text string) (p path, problem string) {
	const longest, mostSelected = 300, 16
	if text == "" || len(text) > longest {
		return path{}, fmt.Sprintf("is empty or too long: use 1 to %d bytes of JSONPath, such as $.status", longest)
	}
	query, err := jsonpath.Parse(text)
	if err != nil {
		return path{}, fmt.Sprintf("%v: use JSONPath (RFC 9535), such as $.items[0].name", err)
	}
	descents, filters, selected := 0, 0, 1
	for _, segment := range query.Query().Segments() {
		selected *= max(1, len(segment.Selectors()))
		if segment.IsDescendant() {
			descents++
		}
		for _, selector := range segment.Selectors() {
			filter, ok := selector.(*spec.FilterSelector)
			if !ok {
				continue
			}
			filters++
			if written := filter.String(); strings.Contains(written, "..") || strings.ContainsAny(written, "$") || strings.Contains(written, "match(") || strings.Contains(written, "search(") {
				return path{}, "has a filter with $, .., match or search, whose work has no bound: use assertions for that"
			}
		}
		if selected > mostSelected || descents > 1 || filters > 1 {
			return path{}, fmt.Sprintf("may take too much work: use at most one .., one filter and %d selectors", mostSelected)
		}
	}
	return path{query, query.Query().Singular() != nil}, ""
}

// find returns the value, or for a path that may find several the list of them; not ok without the
// one.
func (p path) find(document any) (value any, ok bool) {
	found := p.query.Select(document)
	switch {
	case !p.single:
		return []any(found), true
	case len(found) == 1:
		return found[0], true
	}
	return nil, false
}
