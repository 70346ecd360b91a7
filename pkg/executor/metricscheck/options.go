package metricscheck

import (
	"hash/maphash"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a metrics check: those of http, what to select, and its levels.
type Options struct {
	httpcheck.Options

	Metric    string            `json:"metric" default:"process_start_time_seconds" example:"queue_depth" help:"Name of the series to select, as a line of the scrape begins."`
	Labels    map[string]string `json:"labels" example:"{\"queue\": \"mail\"}" help:"Labels that the series must have, with exactly these values."`
	Aggregate string            `json:"aggregate" default:"sum" enum:"sum,max,min,avg,count,rate" help:"What to make of the series; a rate is by how much all of them together grow in a second, from one execution to the next."`
	Warning   string            `json:"warning" example:"> 100" help:"The answer is degraded when this holds for the value."`
	Critical  string            `json:"critical" example:"> 1000" help:"The check fails when this holds for the value."`
}

// probe is a prepared check.
type probe struct {
	web               executor.Probe
	options           Options
	selection         selection
	warning, critical level
	// before is what a rate compares with.
	before history
}

// Weight implements executor.Weigher.
func (p *probe) Weight() int {
	const perSeries = 40
	if p.options.Aggregate == rate {
		return maxRates * perSeries
	}
	return 0
}

// rate is the value of options.aggregate that needs two executions.
const rate = "rate"

// level is a bound that a value should not reach; the zero level is never reached.
type level struct {
	operator string
	bound    float64
}

func (e Executor) prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	web, more := e.Web.PrepareOptions(d.Target, o.Options)
	problems = append(problems, more...)
	p := &probe{web: web, options: o, selection: selection{name: o.Metric, labels: o.Labels, seed: maphash.MakeSeed()}}
	p.options.Options = httpcheck.Options{} // the other probe holds them
	usable := func(field string) bool {
		return !slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == field })
	}
	if !usable("options") {
		return p, problems // nothing was read
	}
	if usable("options.metric") && !regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$`).MatchString(o.Metric) {
		problems.Add("options.metric", "is no name of a metric: use letters, digits, _ and :, such as queue_depth")
	}
	if usable("options.labels") {
		named := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,199}$`)
		for name := range o.Labels {
			if !named.MatchString(name) {
				problems.Add("options.labels", "has a name that is none: use letters, digits and _")
				break
			}
		}
	}
	for field, l := range map[string]struct {
		text string
		into *level
	}{"options.critical": {o.Critical, &p.critical}, "options.warning": {o.Warning, &p.warning}} {
		if l.text == "" || !usable(field) {
			continue
		}
		parsed, ok := parseLevel(l.text)
		if !ok {
			problems.Add(field, "is no comparison: use <, <=, >, >=, == or != and a number, such as > 100")
		}
		*l.into = parsed
	}
	return p, problems
}

func parseLevel(text string) (level, bool) {
	for _, operator := range []string{"<=", ">=", "==", "!=", "<", ">"} {
		rest, ok := strings.CutPrefix(strings.TrimSpace(text), operator)
		if !ok {
			continue
		}
		bound, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		return level{operator, bound}, err == nil && bound-bound == 0 // neither infinite nor NaN
	}
	return level{}, false
}

func (l level) reached(value float64) bool {
	switch l.operator {
	case "<":
		return value < l.bound
	case "<=":
		return value <= l.bound
	case ">":
		return value > l.bound
	case ">=":
		return value >= l.bound
	case "==":
		return value == l.bound
	case "!=":
		return value != l.bound
	default:
		return false
	}
}
