package jsoncheck

import (
	"regexp"
	"slices"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// maxExtract bounds how many values are extracted.
const maxExtract = 20

// Options of a json check: those of http, and the rules.
type Options struct {
	Schema  string            `json:"schema" title:"JSON Schema" group:"JSON" lines:"true" example:"{\"type\": \"object\", \"required\": [\"status\"]}" help:"JSON Schema that the body has to fit, as text."`
	Extract map[string]string `json:"extract" group:"JSON" example:"{\"depth\": \"$.queue.depth\"}" help:"Values to extract, by name: JSONPath (RFC 9535). Assertions use them as extracted.name."`
	Warning []string          `json:"warning" group:"JSON" example:"[\"status == 200\"]" help:"Assertions that have to hold as well, else a good answer is degraded."`

	httpcheck.Options
}

// probe is a prepared check.
type probe struct {
	web      executor.Probe
	schema   *schema
	paths    map[string]path
	warnings []string
}

func (e Executor) prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	web, more := e.Web.PrepareOptions(d.Target, o.Options)
	problems = append(problems, more...)
	p := &probe{web: web, warnings: o.Warning}
	usable := func(field string) bool {
		return !slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == field })
	}
	if o.Schema != "" && usable("options.schema") {
		schema, problem := compileSchema(o.Schema)
		if problem != "" {
			problems.Add("options.schema", "%s", problem)
		}
		p.schema = schema
	}
	if usable("options.extract") {
		p.paths = parsePaths(&problems, o.Extract)
	}
	if usable("options.warning") {
		assertion.Check(&problems, "options.warning", o.Warning, variables())
	}
	return p, problems
}

func parsePaths(problems *monitor.Problems, extract map[string]string) map[string]path {
	const field = "options.extract"
	if len(extract) > maxExtract {
		problems.Add(field, "has %d values: use at most %d", len(extract), maxExtract)
		return nil
	}
	named := regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)
	names := make([]string, 0, len(extract))
	for name := range extract {
		names = append(names, name)
	}
	slices.Sort(names)
	paths := make(map[string]path, len(names))
	for _, name := range names {
		if !named.MatchString(name) {
			problems.Add(field, "%q is no name: use a lower case letter, then those, digits and _", clip(name))
			continue
		}
		parsed, problem := parsePath(extract[name])
		if problem != "" {
			problems.Add(field+"."+name, "%s", problem)
		}
		paths[name] = parsed
	}
	return paths
}

func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
