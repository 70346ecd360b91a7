package demo

import "strings"

func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, "-")
	return kind
}

// title is a name for people.
func title(name string) string {
	_, rest, found := strings.Cut(name, "-")
	if !found {
		rest = name
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}
