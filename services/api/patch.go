package api

import (
	"encoding/json"
	"fmt"
)

// mergePatch applies a JSON merge patch (RFC 7396): objects are merged, null removes, all else
// replaces. Both are valid JSON.
func mergePatch(target, patch json.RawMessage) (json.RawMessage, error) {
	var changes map[string]json.RawMessage
	if json.Unmarshal(patch, &changes) != nil || changes == nil {
		return patch, nil // no object: it replaces
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(target, &object) != nil || object == nil {
		object = make(map[string]json.RawMessage, len(changes))
	}
	for name, change := range changes {
		if string(change) == "null" {
			delete(object, name)
			continue
		}
		merged, err := mergePatch(object[name], change)
		if err != nil {
			return nil, err
		}
		object[name] = merged
	}
	merged, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	return merged, nil
}
