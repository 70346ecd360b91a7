package httpcheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// The kinds of bodies.
const (
	raw     = "body"
	asJSON  = "json"
	asForm  = "form"
	asQuery = "graphql"
)

// content is the body of a request, before secrets are put in.
type content struct {
	kind  string
	text  string            // of raw
	value any               // of asJSON, and of asQuery with all that is sent
	form  map[string]string // of asForm
}

// prepareContent reads the one body that the options give, if any.
func prepareContent(problems *monitor.Problems, o Options) content {
	given := []string{}
	for name, is := range map[string]bool{raw: o.Body != "", asJSON: o.JSON != "", asForm: len(o.Form) > 0, asQuery: o.GraphQL != GraphQL{}} {
		if is {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) == 0:
		return content{kind: raw}
	case len(given) > 1:
		problems.Add("options."+given[1], "is a second body besides %s: give one of them", given[0])
		return content{kind: raw}
	}
	c := content{kind: given[0], text: o.Body, form: o.Form}
	switch c.kind {
	case asJSON:
		var problem string
		if c.value, problem = parseJSON(o.JSON); problem != "" {
			problems.Add("options.json", "%s, such as {\"name\": \"value\"}", problem)
		}
	case asQuery:
		c.value = prepareQuery(problems, o.GraphQL)
	}
	return c
}

// parseJSON reads JSON, its numbers as they are written, or says what is wrong with it.
func parseJSON(text string) (value any, problem string) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, "is not JSON: " + cause(err, text) + ": use JSON"
	}
	if decoder.More() {
		return nil, "is more than one value of JSON: use one"
	}
	return value, ""
}

// cause says where JSON is wrong.
func cause(err error, text string) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset > 0 {
		line := 1 + strings.Count(text[:min(int(syntax.Offset), len(text))], "\n")
		return fmt.Sprintf("%v (line %d)", syntax, line)
	}
	return err.Error()
}

// prepareQuery builds what is sent of a GraphQL query (the GraphQL over HTTP specification, 5.1).
func prepareQuery(problems *monitor.Problems, q GraphQL) any {
	if strings.TrimSpace(q.Query) == "" {
		problems.Add("options.graphql.query", "is missing: give a query, such as { health { status } }")
	}
	sent := map[string]any{"query": q.Query}
	if q.Operation != "" {
		sent["operationName"] = q.Operation
	}
	if q.Variables != "" {
		value, problem := parseJSON(q.Variables)
		if _, ok := value.(map[string]any); problem != "" || !ok {
			problems.Add("options.graphql.variables", "is no JSON object: use one, such as {\"id\": 7}")
		}
		sent["variables"] = value
	}
	return sent
}

// mediaType is the header Content-Type; empty where the definition has to say it.
func (c content) mediaType() string {
	switch c.kind {
	case asJSON, asQuery:
		return "application/json"
	case asForm:
		return "application/x-www-form-urlencoded"
	default:
		return ""
	}
}

// render is the body with secrets put in, each as its place needs it.
func (c content) render(tools executor.Tools) (string, error) {
	switch c.kind {
	case asJSON, asQuery:
		value, err := filled(c.value, tools)
		if err != nil {
			return "", err
		}
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			return "", fmt.Errorf("%w: the body cannot be written as JSON: %w", executor.ErrSetup, err)
		}
		return strings.TrimSuffix(text.String(), "\n"), nil
	case asForm:
		fields := make(url.Values, len(c.form))
		for name, text := range c.form {
			value, err := tools.Secret(text)
			if err != nil {
				return "", err
			}
			fields.Set(name, value)
		}
		return fields.Encode(), nil
	default:
		return tools.Secret(c.text)
	}
}

// filled is a value read from JSON with secrets put into its texts.
func filled(value any, tools executor.Tools) (any, error) {
	switch value := value.(type) {
	case string:
		return tools.Secret(value)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			var err error
			if items[i], err = filled(item, tools); err != nil {
				return nil, err
			}
		}
		return items, nil
	case map[string]any:
		members := make(map[string]any, len(value))
		for name, item := range value {
			var err error
			if members[name], err = filled(item, tools); err != nil {
				return nil, err
			}
		}
		return members, nil
	default:
		return value, nil
	}
}

// maxQueryAnswer bounds the answer to a GraphQL query that is looked through for errors, in bytes.
const maxQueryAnswer = 256 << 10

// wrongOfQuery says what an answer to a GraphQL query reports as wrong, or nothing: it may well have
// the status 200 (the GraphQL specification, 7.1.2).
func wrongOfQuery(text string, cut bool) string {
	if cut {
		return fmt.Sprintf("the body is longer than %d KiB, too long to be looked through for GraphQL errors", maxQueryAnswer>>10)
	}
	var answer struct{ Data, Errors json.RawMessage }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return "the body is no answer to a GraphQL query: " + err.Error()
	}
	if answer.Data == nil && answer.Errors == nil {
		return "the body is no answer to a GraphQL query: it has neither data nor errors"
	}
	list := json.NewDecoder(bytes.NewReader(answer.Errors))
	if start, err := list.Token(); err != nil || start != json.Delim('[') || !list.More() {
		return ""
	}
	var first struct{ Message string }
	_ = list.Decode(&first) // one without a message is one too
	return strings.TrimSuffix("the answer has GraphQL errors: "+clipTo(first.Message, 200), ": ")
}
