package assertion

import (
	"fmt"
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
)

// library is what expressions may use besides variables. CEL accounts for a call after it was made,
// so that what one call may take in time and memory has to be bounded by itself: "matches" is our
// own, and what remains unbounded is refused by available.
func library() []cel.EnvOption {
	subset := &env.LibrarySubset{ExcludeFunctions: []*env.Function{{Name: overloads.Matches}}}
	found := &patterns{}
	match := cel.SingletonBinaryBinding(func(text, pattern ref.Val) ref.Val {
		ok, err := found.match(string(text.(types.String)), string(pattern.(types.String))) //nolint:forcetypeassert // the overload takes nothing else
		if err != nil {
			return types.WrapErr(err)
		}
		return types.Bool(ok)
	})
	texts := []*cel.Type{cel.StringType, cel.StringType}
	return []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)), cel.OptionalTypes(), ext.Strings(), ext.Math(),
		cel.CrossTypeNumericComparisons(true),
		cel.Function(overloads.Matches,
			cel.Overload(overloads.Matches, texts, cel.BoolType),
			cel.MemberOverload(overloads.MatchesString, texts, cel.BoolType), match),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
	}
}

// limits bound the evaluation of a program.
func limits() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostLimit(costLimit), cel.InterruptCheckFrequency(interruptEvery), interruptible(),
		cel.CostTrackerOptions(
			interpreter.OverloadCostTracker(overloads.ContainsString, linear(0.1)),
			interpreter.OverloadCostTracker(overloads.Matches, linear(0.5)),
			interpreter.OverloadCostTracker(overloads.MatchesString, linear(0.5)),
			interpreter.OverloadCostTracker(overloads.SizeString, linear(0.1))),
	}
}

// linear is the cost of a function that goes through its first argument once.
func linear(perByte float64) interpreter.FunctionTracker {
	return func(args []ref.Val, _ ref.Val) *uint64 {
		cost := uint64(1)
		if sizer, ok := args[0].(traits.Sizer); ok {
			if n, ok := sizer.Size().(types.Int); ok {
				cost += uint64(math.Ceil(float64(n) * perByte))
			}
		}
		return &cost
	}
}

// unbounded are functions whose result, or the work for it, may be of any size whatever their
// arguments cost.
func unbounded(name string) bool {
	switch name {
	case "replace", "format", "join", "strings.quote", "indexOf", "lastIndexOf":
		return true
	}
	return false
}

// available refuses expressions that use what could take too much.
func available(parsed *cel.Ast) (err error) {
	native := parsed.NativeRep()
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if err != nil || e.Kind() != ast.CallKind || !unbounded(e.AsCall().FunctionName()) {
			return
		}
		at := native.SourceInfo().GetStartLocation(e.ID())
		err = fmt.Errorf("%d:%d: %s is not available, as its work has no bound: use contains, matches, split, substring, lowerAscii or trim",
			at.Line(), at.Column()+1, e.AsCall().FunctionName())
	}))
	return err
}
