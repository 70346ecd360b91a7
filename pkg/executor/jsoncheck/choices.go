package jsoncheck

import "strings"

// gathered writes alternatives that are single texts as one list: {"anyOf": [{"const": "a"}, {"const":
// "b"}]} as {"enum": ["a", "b"]}, which says the same. Of alternatives the library keeps what is wrong
// with each, of a list it compares the texts only; other values it converts for that, which takes as
// much. document changes.
func gathered(document any, text string) {
	draft4 := strings.Contains(text, "draft-04") // it knows no const
	if draft4 || strings.Contains(text, "anyOf/") || strings.Contains(text, "oneOf/") {
		return // or a reference may be to one of the alternatives
	}
	gather(document)
}

func gather(rules any) {
	switch rules := rules.(type) {
	case []any:
		for _, item := range rules {
			gather(item)
		}
	case map[string]any:
		for name, item := range rules {
			switch name {
			case "const", "enum", "default", "examples":
			default:
				gather(item)
			}
		}
		for _, name := range []string{"anyOf", "oneOf"} {
			values, ok := choices(rules[name])
			_, listed := rules["enum"]
			if ok && !listed && texts(values) {
				delete(rules, name)
				rules["enum"] = values
			}
		}
	}
}

// choices are the values that alternatives allow, where each is about values only.
func choices(alternatives any) (values []any, ok bool) {
	list, _ := alternatives.([]any)
	for _, alternative := range list {
		rules, _ := alternative.(map[string]any)
		found := 0
		for name, item := range rules {
			switch name {
			case "const":
				values, found = append(values, item), found+1
			case "enum":
				more, _ := item.([]any)
				values, found = append(values, more...), found+1
			case "title", "description", "$comment", "deprecated", "examples", "default":
			default:
				return nil, false
			}
		}
		if found != 1 {
			return nil, false
		}
	}
	return values, len(list) > 0
}

// texts reports whether values are nothing else, and no two the same: of oneOf they would exclude each
// other.
func texts(values []any) bool {
	seen := make(map[string]bool, len(values))
	for _, value := range values {
		text, ok := value.(string)
		if !ok || seen[text] {
			return false
		}
		seen[text] = true
	}
	return true
}
