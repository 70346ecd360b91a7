// Package assertion compiles and evaluates assertions: CEL expressions over what an executor
// observed.
package assertion

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

const (
	// costLimit bounds one evaluation, in CEL's units. CEL counts a call when it was made.
	costLimit = 2_000_000
	// mostTime bounds one evaluation that is not cheap: keeping count of the cost is itself quadratic in
	// the number of steps (cel-go 0.31), so that the limit alone may be reached after a minute, and the
	// cost of a comparison does not count what is nested.
	mostTime = 200 * time.Millisecond
	// interruptEvery is how many steps of a loop pass between two looks at the context.
	interruptEvery = 1
)

// Variable is one name that expressions of a kind may use.
type Variable struct {
	Name string
	// Type is a CEL type: "int", "string", "duration", "list(string)", "map(string, dyn)", …
	Type string
	Help string
}

// Compiler compiles expressions over one kind's variables. It is safe for concurrent use.
type Compiler struct {
	env       *cel.Env
	variables []string
}

// NewCompiler returns a compiler. It fails on a variable of a type that it does not know.
func NewCompiler(variables []Variable) (*Compiler, error) {
	c := &Compiler{}
	options := library()
	for _, v := range variables {
		t, err := celType(v.Type)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		options = append(options, cel.Variable(v.Name, t))
		c.variables = append(c.variables, v.Name)
	}
	env, err := cel.NewCustomEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("set up assertions: %w", err)
	}
	c.env = env
	return c, nil
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
	ast     *cel.Ast
	program cel.Program
	// plain is it in a form that needs no CEL where it holds; nil of another.
	plain plain
	// cheap is whether its work need not be counted, nor can be interrupted.
	cheap bool
	// tracing evaluates a failed assertion again, keeping the value of every part.
	tracing func() (cel.Program, error)
}

// Compile compiles an expression. The error says where it is wrong, as line:column, and what to
// write: `1:8: "=" is not understood: did you mean "=="?`.
func (c *Compiler) Compile(text string) (*Assertion, error) {
	parsed, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return nil, c.explain(text, issues.Errors())
	}
	if err := available(parsed); err != nil {
		return nil, err
	}
	if t := parsed.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("1:1: the expression is of type %s, not bool: compare it with something, as in %s == …", t, clip(text))
	}
	cheap := cheap(parsed)
	bounds := limits()
	if cheap {
		bounds = nil
	}
	program, err := c.env.Program(parsed, bounds...)
	if err != nil {
		return nil, fmt.Errorf("1:1: %w", err)
	}
	return &Assertion{text: text, ast: parsed, program: program, plain: plainOf(parsed), cheap: cheap, tracing: sync.OnceValues(func() (cel.Program, error) {
		return c.env.Program(parsed, append(limits(), cel.EvalOptions(cel.OptTrackState))...)
	})}, nil
}

// String returns the expression.
func (a *Assertion) String() string { return a.text }

// Evaluate reports whether the assertion holds for the values. When it does not, actual says what was
// found instead, in at most maxActual bytes; clean is applied to every text before it is cut and shown,
// to take secrets out. An error says that it could not be evaluated: a key that is missing, too much work,
// ctx's end.
func (a *Assertion) Evaluate(ctx context.Context, values Values, clean func(string) string) (passed bool, actual string, err error) {
	if a.plain.holds(values) && ctx.Err() == nil {
		return true, "", nil
	}
	if !a.cheap {
		bounded, cancel := context.WithTimeout(ctx, mostTime)
		defer cancel()
		ctx = bounded
	}
	result, err := a.evaluate(ctx, values)
	if err != nil {
		return false, "", cause(err)
	}
	passed, ok := result.Value().(bool)
	if !ok {
		return false, "", fmt.Errorf("is of type %s, not bool: %s", result.Type().TypeName(), show(result, clean))
	}
	if passed {
		return true, "", nil
	}
	return false, a.Actual(ctx, values, clean), nil
}

func (a *Assertion) evaluate(ctx context.Context, values Values) (result ref.Val, err error) {
	if !a.cheap {
		result, _, err = a.program.ContextEval(ctx, activation(values))
		return result, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result, _, err = a.program.Eval(activation(values))
	return result, err
}

var errTooMuch = errors.New("cannot be evaluated: it takes more work than an assertion may")

// cause says why an expression could not be evaluated.
func cause(err error) error {
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return errTooMuch
	case errors.Is(err, interpreter.InterruptError{}) && errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", errTooMuch, err)
	default:
		return fmt.Errorf("cannot be evaluated: %w", err)
	}
}

// Missing is a value for a variable that has none: whatever uses it fails with the reason.
func Missing(reason string) any { return types.NewErr("%s", reason) }
