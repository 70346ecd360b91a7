package tcpcheck

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxSteps and maxStep bound a conversation; the latter is in bytes.
	maxSteps, maxStep = 50, 8 << 10
	// maxPattern bounds a pattern in bytes, and maxProgram in the instructions it is made of, each of
	// which may be due at each byte received: at most some 50 ms.
	maxPattern, maxProgram = 500, 500
)

// Options of a tcp check.
type Options struct {
	Steps     []string `json:"steps" example:"[\"expect ^220 \", \"send QUIT\\\\r\\\\n\", \"expect ^221 \"]" help:"The conversation, one after the other: \"send TEXT\" with \\r, \\n, \\t, \\\\ and \\xHH, or \"expect PATTERN\" (RE2). Without any, connecting is enough."`
	IPVersion string   `json:"ip_version" default:"any" enum:"any,4,6" help:"Version of IP to connect by."`
}

// probe is a prepared check.
type probe struct {
	options Options
	target  string
	steps   []step
}

// step is one part of a conversation: a text to send, or a pattern to wait for.
type step struct {
	send   string
	expect *regexp.Regexp
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	if problem := endpoint.Problem(d.Target); problem != "" && d.Target != "" { // an empty one is reported as missing already
		problems.Add("target", "%s", problem)
	}
	p := &probe{options: o, target: d.Target}
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
	p.options.Steps = nil // the steps hold them
	return p, problems
}

func parseStep(text string) (s step, problem string) {
	verb, rest, _ := strings.Cut(text, " ")
	switch {
	case verb != "send" && verb != "expect":
		return step{}, "begins with neither send nor expect: use \"send TEXT\" or \"expect PATTERN\""
	case rest == "":
		return step{}, fmt.Sprintf("has nothing to %s: write it after one space", verb)
	case len(text) > maxStep:
		return step{}, fmt.Sprintf("is too long: use at most %d bytes", maxStep)
	case verb == "send":
		s.send, problem = unescape(rest)
		return s, problem
	}
	s.expect, problem = parsePattern(rest)
	return s, problem
}

func parsePattern(text string) (pattern *regexp.Regexp, problem string) {
	if len(text) > maxPattern {
		return nil, fmt.Sprintf("has a pattern that is too long: use at most %d bytes", maxPattern)
	}
	if strings.Contains(text, "secret://") {
		return nil, "refers to a secret, which is only put into what is sent: use a pattern without it"
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Sprintf("is no regular expression: %v: use RE2, such as ^220 ", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, "has a pattern that is too much work: use a simpler one, with fewer repetitions"
	}
	pattern, err = regexp.Compile(text)
	if err != nil {
		return nil, fmt.Sprintf("is no regular expression: %v: use RE2, such as ^220 ", err)
	}
	if pattern.MatchString("") {
		return nil, "has a pattern that nothing at all matches too: use one that needs a character"
	}
	return pattern, ""
}

// unescape puts in the bytes that stand behind backslashes.
func unescape(text string) (raw, problem string) {
	const cure = "use \\r, \\n, \\t, \\0, \\\\ or \\xHH"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", "ends in a lone backslash: " + cure
		}
		if at := strings.IndexByte(`rnt0\`, text[i]); at >= 0 {
			b.WriteByte("\r\n\t\x00\\"[at])
			continue
		}
		if text[i] != 'x' || i+2 >= len(text) {
			return "", fmt.Sprintf("has a backslash before %q: %s", text[i], cure)
		}
		n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Sprintf("has \\x before %q, which are no two hexadecimal digits: %s", text[i+1:i+3], cure)
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), ""
}
