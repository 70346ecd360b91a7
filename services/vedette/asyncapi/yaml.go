package asyncapi

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// YAML returns the document as YAML, its parts in the order in which people read them; the same
// bytes every time.
func YAML(version string) ([]byte, error) {
	document := Document(version)
	inOrder := yaml.MapSlice{}
	for _, key := range []string{"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"} {
		inOrder = append(inOrder, yaml.MapItem{Key: key, Value: document[key]})
	}
	raw, err := yaml.MarshalWithOptions(inOrder, yaml.UseJSONMarshaler())
	if err != nil {
		return nil, fmt.Errorf("write the AsyncAPI document: %w", err)
	}
	return raw, nil
}
