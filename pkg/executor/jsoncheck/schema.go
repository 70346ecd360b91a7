package jsoncheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// maxSchema bounds a schema in bytes, maxRules the values in it with each reference replaced by
	// what it refers to: the work of a validation is at most that times the values of the document.
	maxSchema, maxRules = 32 << 10, 1000
	// maxNumber bounds a number as written, in bytes.
	maxNumber = 100
	schemaURL = "https://schema.invalid/options.json"
)

// compileSchema reads a JSON Schema; a draft other than 2020-12 is named by $schema.
func compileSchema(text string) (s *schema, problem string) {
	if len(text) > maxSchema {
		return nil, fmt.Sprintf("is too long: use at most %d KiB", maxSchema>>10)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Sprintf("is not JSON: %v: use a JSON Schema as text", err)
	}
	rules := expansion{root: document}
	if problem := rules.count(document, nil); problem != "" {
		return nil, problem
	}
	gathered(document, text)
	s = newSchema()
	compiler := jsonschema.NewCompiler()
	compiler.RegisterVocabulary(s.watch())
	compiler.AssertVocabs()
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(compilePattern)
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, fmt.Sprintf("is no JSON Schema: %v: use one", err)
	}
	s.compiled, err = compiler.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Sprintf("is no JSON Schema: %v: use one of draft 2020-12, or name the draft by $schema", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return s, ""
}

// expansion counts the rules of a schema.
type expansion struct {
	root  any
	rules int
}

func (e *expansion) count(value any, within []string) (problem string) {
	if e.rules++; e.rules > maxRules {
		return fmt.Sprintf("has too many rules, with its references replaced by what they refer to: use at most %d", maxRules)
	}
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Float64(); err != nil || (n == 0 && strings.ContainsAny(string(value), "123456789")) || len(value) > maxNumber {
			return fmt.Sprintf("has the number %s, which no body can hold: use one that a double can", clip(string(value)))
		}
	case []any:
		for _, item := range value {
			if problem := e.count(item, within); problem != "" {
				return problem
			}
		}
	case map[string]any:
		for key, item := range value {
			text, reference := item.(string)
			switch {
			case reference && (key == "$dynamicRef" || key == "$recursiveRef"):
				return "has a " + key + ", whose work has no bound: use $ref"
			case reference && key == "$ref":
				problem = e.follow(text, within)
			case key == "$defs" || key == "definitions":
				continue // counted where it is referred to
			default:
				problem = e.count(item, within)
			}
			if problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (e *expansion) follow(reference string, within []string) (problem string) {
	pointer, ok := strings.CutPrefix(reference, "#/")
	if !ok {
		return fmt.Sprintf("refers to %q, which is not loaded: use a place in itself, such as #/$defs/name", clip(reference))
	}
	if slices.Contains(within, reference) {
		return fmt.Sprintf("refers to %q from within that, which has no bound: use as many levels as there are", clip(reference))
	}
	at := e.root
	for name := range strings.SplitSeq(pointer, "/") {
		object, _ := at.(map[string]any)
		if at, ok = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]; !ok {
			return fmt.Sprintf("refers to %q, which is not there: use a place in itself, such as #/$defs/name", clip(reference))
		}
	}
	return e.count(at, append(slices.Clone(within), reference))
}

// noLoader keeps schemas from being read from files and networks.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas are not loaded from elsewhere")
}

// pattern is a regular expression that does not begin what would take long.
type pattern struct {
	*regexp.Regexp
	size int
}

// MatchString implements jsonschema.Regexp.
func (p pattern) MatchString(text string) bool {
	const mostWork = 4 << 20
	return len(text)*p.size <= mostWork && p.Regexp.MatchString(text)
}

func compilePattern(text string) (jsonschema.Regexp, error) {
	const most = 500
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > most {
		return nil, errors.New("the pattern takes too much work")
	}
	compiled, err := regexp.Compile(text)
	return pattern{compiled, len(program.Inst)}, err
}
