package assertion

import (
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
)

// maxCheapCalls is how many calls an expression may make that needs no counting of its work: each goes
// through what was observed once at most.
const maxCheapCalls = 20

// cheap reports whether an expression is so simple that its work is bounded by that alone: a few
// comparisons with single values, without loops, and nothing that makes texts or lists. Counting
// would cost more than it.
func cheap(parsed *cel.Ast) bool {
	native := parsed.NativeRep()
	scalar := func(e ast.Expr) bool {
		switch native.GetType(e.ID()).Kind() { //nolint:exhaustive // all others may be large
		case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.DurationKind, types.TimestampKind, types.StringKind, types.NullTypeKind:
			return true
		}
		return e.Kind() == ast.LiteralKind
	}
	calls, simple := 0, true
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind, ast.LiteralKind, ast.SelectKind:
		case ast.ListKind:
			simple = simple && !slices.ContainsFunc(e.AsList().Elements(), func(item ast.Expr) bool { return item.Kind() != ast.LiteralKind })
		case ast.CallKind:
			calls++
			call := e.AsCall()
			simple = simple && goesThroughOnce(call.FunctionName())
			switch call.FunctionName() {
			case operators.Equals, operators.NotEquals:
				simple = simple && slices.ContainsFunc(call.Args(), scalar)
			case operators.In:
				simple = simple && scalar(call.Args()[0])
			}
		case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.MapKind, ast.StructKind:
			simple = false
		}
	}))
	return simple && calls <= maxCheapCalls
}

// goesThroughOnce reports whether a function goes through its arguments once at most, and makes
// nothing as large as they are.
func goesThroughOnce(function string) bool {
	switch function {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.In, operators.Index, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate,
		overloads.TypeConvertDuration, overloads.TypeConvertTimestamp, overloads.TypeConvertInt, overloads.TypeConvertDouble,
		"size", "startsWith", "endsWith":
		return true
	}
	return false
}
