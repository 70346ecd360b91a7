package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vedette/vedette/services/vedette/client"
)

// observed writes what an executor saw: short values, in order of their names. All of it is in the
// JSON.
func observed(values map[string]any) string {
	const most = 80
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown := fmt.Sprint(values[name])
		if raw, err := json.Marshal(values[name]); err == nil {
			if _, isText := values[name].(string); !isText {
				shown = string(raw)
			}
		}
		if shown != "" {
			parts = append(parts, name+" "+clip(shown, most))
		}
	}
	return strings.Join(parts, ", ")
}

// objectOf is a definition as an object to send.
func objectOf(definition any) (client.Object, error) {
	raw, err := json.Marshal(definition)
	if err != nil {
		return nil, fmt.Errorf("encode the definition: %w", err)
	}
	var object client.Object
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("encode the definition: %w", err)
	}
	return object, nil
}
