package assertion

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/common"
)

// explain puts CEL's issues into plain words, each with its place and, where it is a usual slip,
// the cure. What follows a syntax error is mostly its consequence and left out.
func (c *Compiler) explain(text string, issues []*common.Error) error {
	const most = 3
	var lines []string
	for _, issue := range issues {
		p := place{line: issue.Location.Line(), column: max(1, issue.Location.Column()+1)}
		message, _, _ := strings.Cut(issue.Message, "\n")
		syntax, ok := strings.CutPrefix(message, "Syntax error: ")
		if ok {
			return fmt.Errorf("%d:%d: %s", p.line, p.column, explainSyntax(syntax, p.before(text)))
		}
		if len(lines) < most {
			lines = append(lines, c.explainType(message, p))
		}
	}
	return errors.New(strings.Join(lines, "; "))
}

// place counts from 1, columns in characters.
type place struct{ line, column int }

// before is what stands before the place on its line.
func (p place) before(text string) string {
	lines := strings.Split(text, "\n")
	if p.line < 1 || p.line > len(lines) {
		return ""
	}
	line := []rune(lines[p.line-1])
	return string(line[:min(len(line), p.column-1)])
}

// explainSyntax reads the parser's messages: "token recognition error at: '= '", "mismatched input
// 'and' expecting …", "extraneous input '}' expecting …", "missing ')' at '<EOF>'".
func explainSyntax(message, before string) string {
	quoted := regexp.MustCompile(`(?s)'(.*?)'( |$)`).FindStringSubmatch(message)
	if quoted == nil {
		return message
	}
	token := strings.TrimSpace(quoted[1])
	switch {
	case strings.HasPrefix(message, "missing"):
		return fmt.Sprintf("%q is missing", token)
	case token == "<EOF>":
		return "the expression ends too early: something is missing"
	case strings.HasPrefix(token, `"`) || strings.HasPrefix(token, "'"):
		return fmt.Sprintf("the text %s has no closing quote", clip(token))
	}
	return fmt.Sprintf("%q is not understood here%s", clip(token), syntaxHint(token, strings.TrimRight(before, " \t")))
}

func syntaxHint(token, before string) string {
	var meant string
	switch {
	case token == "=":
		meant = "=="
	case token == ">" && strings.HasSuffix(before, "<"):
		meant = "!="
	case token == "&", strings.EqualFold(token, "and"):
		meant = "&&"
	case token == "|", strings.EqualFold(token, "or"):
		meant = "||"
	case strings.HasSuffix(" "+strings.ToLower(before), " not"):
		meant = "!"
	default:
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", meant)
}

func (c *Compiler) explainType(message string, p place) string {
	var name, arguments string
	if parts := regexp.MustCompile(`^undeclared reference to '(.*)' \(`).FindStringSubmatch(message); parts != nil {
		name = parts[1]
		return fmt.Sprintf("%d:%d: %q is not known: %s", p.line, p.column, clip(name), c.suggest(name))
	}
	if parts := regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`).FindStringSubmatch(message); parts != nil {
		name, arguments = strings.Trim(strings.ReplaceAll(parts[1], "@", ""), "_"), parts[2]
		return fmt.Sprintf("%d:%d: %q cannot be applied to %s%s", p.line, p.column, name, arguments, typeHint(arguments))
	}
	return fmt.Sprintf("%d:%d: %s", p.line, p.column, message)
}

func typeHint(arguments string) string {
	switch arguments {
	case "(duration, int)", "(duration, double)", "(duration, string)":
		return ": compare latency with duration('800ms'), or latency_ms with 800"
	case "(int, string)", "(double, string)", "(string, int)", "(string, double)":
		return ": numbers are written without quotes, texts with them"
	}
	return ""
}

// suggest names the nearest of what is known, or all variables.
func (c *Compiler) suggest(name string) string {
	known := append([]string{"has", "all", "exists", "exists_one", "map", "filter"}, c.variables...)
	for function := range c.env.Functions() {
		if !unbounded(function) && !strings.ContainsAny(function, "_@!-") {
			known = append(known, function)
		}
	}
	slices.Sort(known)
	best, least := "", 1+max(2, len(name)/3)
	for _, candidate := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate), least); d < least {
			best, least = candidate, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "there are " + strings.Join(c.variables, ", ")
}

// distance is how many characters must be changed, added, left out or swapped with their neighbour
// to make b of a (optimal string alignment); most when it is no less.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return min(most, rows[len(a)][len(b)])
}
