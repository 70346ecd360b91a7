// Package assertion compiles and evaluates assertions: CEL expressions over what an executor
// observed.
package assertion

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// costLimit bounds one evaluation, in CEL's units: some tens of milliseconds at the very most.
const costLimit = 2_000_000

// Variable is one name that expressions of a kind may use.
type Variable struct {
	Name string
	// Type is a CEL type: "int", "string", "duration", "list(string)", "map(string, dyn)", …
	Type string
	Help string
}

// Compiler compiles expressions over one kind's variables. It is safe for concurrent use.
type Compiler struct{ env *cel.Env }

// NewCompiler returns a compiler. It fails on a variable of a type that it does not know.
func NewCompiler(variables []Variable) (*Compiler, error) {
	options := []cel.EnvOption{ext.Strings(), ext.Math(), ext.Lists(), cel.CrossTypeNumericComparisons(true)}
	for _, v := range variables {
		t, err := celType(v.Type)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		options = append(options, cel.Variable(v.Name, t))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("set up assertions: %w", err)
	}
	return &Compiler{env}, nil
}

func celType(name string) (*cel.Type, error) {
	switch name {
	case "int":
		return cel.IntType, nil
	case "double":
		return cel.DoubleType, nil
	case "string":
		return cel.StringType, nil
	case "bool":
		return cel.BoolType, nil
	case "duration":
		return cel.DurationType, nil
	case "timestamp":
		return cel.TimestampType, nil
	case "dyn":
		return cel.DynType, nil
	case "list(string)":
		return cel.ListType(cel.StringType), nil
	case "map(string, string)":
		return cel.MapType(cel.StringType, cel.StringType), nil
	case "map(string, double)":
		return cel.MapType(cel.StringType, cel.DoubleType), nil
	case "map(string, dyn)":
		return cel.MapType(cel.StringType, cel.DynType), nil
	}
	return nil, fmt.Errorf("type %q is not known", name)
}

// Assertion is a compiled expression. It is safe for concurrent use.
type Assertion struct {
	text    string
	env     *cel.Env
	ast     *cel.Ast
	program cel.Program
	// tracing evaluates a failed assertion again, keeping the value of every part.
	tracing func() (cel.Program, error)
}

// Compile compiles an expression. The error says where it is wrong, "1:8: …", and what to write.
func (c *Compiler) Compile(text string) (*Assertion, error) {
	parsed, issues := c.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, explain(issues)
	}
	if t := parsed.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("1:1: the expression is of type %s, not bool: compare it with something, as in %s == …", t, text)
	}
	program, err := c.env.Program(parsed, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fmt.Errorf("1:1: %w", err)
	}
	return &Assertion{text: text, env: c.env, ast: parsed, program: program, tracing: sync.OnceValues(func() (cel.Program, error) {
		return c.env.Program(parsed, cel.CostLimit(2*costLimit), cel.InterruptCheckFrequency(100), cel.EvalOptions(cel.OptTrackState))
	})}, nil
}

// explain turns the first issues into one line each, with a hint for the usual slips.
func explain(issues *cel.Issues) error {
	var lines []string
	for i, e := range issues.Errors() {
		if i == 3 {
			break
		}
		message, _, _ := strings.Cut(e.Message, "\n")
		lines = append(lines, fmt.Sprintf("%d:%d: %s%s", e.Location.Line(), e.Location.Column()+1, message, hint(message)))
	}
	return errors.New(strings.Join(lines, "; "))
}

func hint(message string) string {
	switch {
	case strings.Contains(message, "token recognition error at: '= '"), strings.Contains(message, "extraneous input '='"),
		strings.Contains(message, "mismatched input '='"), strings.Contains(message, "at: '='"):
		return " (to compare, write ==)"
	case strings.Contains(message, "(duration, int)"), strings.Contains(message, "(duration, double)"):
		return " (compare latency with duration('800ms'), or latency_ms with 800)"
	default:
		return ""
	}
}

// String returns the expression.
func (a *Assertion) String() string { return a.text }

// Evaluate reports whether the assertion holds for the values, which may be functions without
// arguments that are called when needed. When it does not, actual says what was found instead. An
// error says that it could not be evaluated: a key that is missing, too much work, ctx's end.
func (a *Assertion) Evaluate(ctx context.Context, values map[string]any) (passed bool, actual string, err error) {
	result, _, err := a.program.ContextEval(ctx, values)
	if err != nil {
		return false, "", fmt.Errorf("cannot be evaluated: %w", err)
	}
	passed, ok := result.Value().(bool)
	if !ok {
		return false, show(result), nil
	}
	if passed {
		return true, "", nil
	}
	return false, a.actual(ctx, values), nil
}

// actual finds the value that a failed comparison was about.
func (a *Assertion) actual(ctx context.Context, values map[string]any) string {
	tracing, err := a.tracing()
	if err != nil {
		return ""
	}
	_, details, err := tracing.ContextEval(ctx, values)
	if err != nil || details == nil {
		return ""
	}
	valueOf := func(e ast.Expr) (ref.Val, bool) {
		v, ok := details.State().Value(e.ID())
		return v, ok && v != nil
	}
	return a.find(a.ast.NativeRep().Expr(), valueOf)
}

// find walks to the first part that failed and shows what it compares.
func (a *Assertion) find(e ast.Expr, valueOf func(ast.Expr) (ref.Val, bool)) string {
	if e.Kind() != ast.CallKind {
		return showOf(e, valueOf)
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		for _, part := range call.Args() {
			if v, ok := valueOf(part); ok && v.Value() == false {
				return a.find(part, valueOf)
			}
		}
	case operators.LogicalOr:
		return a.find(call.Args()[0], valueOf)
	}
	subject := call.Target()
	for _, operand := range call.Args() {
		if subject == nil || subject.Kind() == ast.LiteralKind || subject.Kind() == ast.UnspecifiedExprKind {
			subject = operand
		}
	}
	if subject == nil {
		return ""
	}
	return showOf(subject, valueOf)
}

func showOf(e ast.Expr, valueOf func(ast.Expr) (ref.Val, bool)) string {
	v, ok := valueOf(e)
	if !ok {
		return ""
	}
	return show(v)
}

// maxActual bounds an actual value in bytes.
const maxActual = 200

func show(v ref.Val) string {
	text := fmt.Sprint(v.Value())
	if len(text) > maxActual {
		text = strings.ToValidUTF8(text[:maxActual], "") + "…"
	}
	return text
}
