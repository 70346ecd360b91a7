package tcpcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxSteps and maxStep bound a conversation; the latter is in bytes.
	maxSteps, maxStep = 50, 8 << 10
)

// startTLS is the step that goes on by TLS.
const startTLS = "starttls"

// Options of a tcp check.
type Options struct {
	Steps []string       `json:"steps" example:"[\"expect ^220 \", \"send QUIT\\\\r\\\\n\", \"expect ^221 \"]" help:"The conversation, one after the other: \"send TEXT\" with \\r, \\n, \\t, \\\\ and \\xHH, \"expect PATTERN\" (RE2), or \"starttls\" to go on by TLS. Without any, connecting is enough."`
	TLS   secure.Options `json:"tls" help:"How the server is verified, after the step starttls."`

	route.Options
	route.ProxyOptions
}

// probe is a prepared check.
type probe struct {
	target endpoint.Target
	tls    *secure.Client
	steps  []step
}

// step is one part of a conversation: a text to send, a pattern to wait for, or the handshake of TLS.
type step struct {
	send     string
	expect   *regexp.Regexp
	startTLS bool
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	target := endpoint.NewTarget(&problems, "tcp", d.Target, o.Options, o.ProxyOptions)
	p := &probe{target: target, tls: secure.Prepare(&problems, "options.tls", o.TLS)}
	const field = "options.steps"
	if slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == field }) {
		return p, problems
	}
	if len(o.Steps) > maxSteps {
		problems.Add(field, "has %d steps: use at most %d", len(o.Steps), maxSteps)
		return p, problems
	}
	for i, text := range o.Steps {
		s, problem := parseStep(text)
		if problem != "" {
			problems.Add(fmt.Sprintf("%s[%d]", field, i), "%s", problem)
		}
		p.steps = append(p.steps, s)
	}
	if first := slices.Index(o.Steps, startTLS); first >= 0 && slices.Contains(o.Steps[first+1:], startTLS) {
		problems.Add(field, "has starttls twice: use it once")
	}
	return p, problems
}

func parseStep(text string) (s step, problem string) {
	verb, rest, _ := strings.Cut(text, " ")
	switch {
	case text == startTLS:
		return step{startTLS: true}, ""
	case verb != "send" && verb != "expect":
		return step{}, "begins with neither send nor expect: use \"send TEXT\", \"expect PATTERN\" or \"starttls\""
	case rest == "":
		return step{}, fmt.Sprintf("has nothing to %s: write it after one space", verb)
	case len(text) > maxStep:
		return step{}, fmt.Sprintf("is too long: use at most %d bytes", maxStep)
	case verb == "send":
		s.send, problem = endpoint.Unescape(rest)
		return s, problem
	}
	s.expect, problem = endpoint.ParsePattern(rest)
	return s, problem
}
