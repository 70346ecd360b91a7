package assertion

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
)

// plain is what most assertions are: comparisons of an observed value with a constant, all of which
// have to hold. Where they do that is seen here, at a part of what CEL takes; whatever is not certain
// is for CEL to say.
type plain []comparisonOf

// comparisonOf compares variable.path with want: an int64, float64, string, bool or time.Duration.
type comparisonOf struct {
	variable string
	path     []string
	operator string
	want     any
}

// plainOf reads an expression; nil where it is another one.
func plainOf(parsed *cel.Ast) plain { return plainly(parsed.NativeRep().Expr()) }

func plainly(e ast.Expr) plain {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil
	}
	function, left, right := e.AsCall().FunctionName(), e.AsCall().Args()[0], e.AsCall().Args()[1]
	c := comparisonOf{operator: function}
	var ok bool
	switch function {
	case operators.LogicalAnd:
		one, other := plainly(left), plainly(right)
		if one == nil || other == nil {
			return nil
		}
		return append(one, other...)
	case operators.In:
		left, right = right, left
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
	default:
		return nil
	}
	if c.variable, c.path, ok = selection(left); !ok {
		return nil
	}
	if c.want, ok = constant(right); !ok {
		return nil
	}
	return plain{c}
}

// selection reads a variable and the names that are selected of it: json.queue.depth.
func selection(e ast.Expr) (variable string, path []string, ok bool) {
	for e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
		path = append(path, e.AsSelect().FieldName())
		e = e.AsSelect().Operand()
	}
	slices.Reverse(path)
	if e.Kind() != ast.IdentKind {
		return "", nil, false
	}
	return e.AsIdent(), path, true
}

func constant(e ast.Expr) (any, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == overloads.TypeConvertDuration && len(e.AsCall().Args()) == 1 {
		argument, _ := constant(e.AsCall().Args()[0])
		text, ok := argument.(string)
		if !ok {
			return nil, false
		}
		d, ok := types.String(text).ConvertToType(types.DurationType).(types.Duration)
		return d.Duration, ok
	}
	if e.Kind() != ast.LiteralKind {
		return nil, false
	}
	switch value := e.AsLiteral().(type) {
	case types.Int:
		return int64(value), true
	case types.Double:
		return float64(value), true
	case types.String:
		return string(value), true
	case types.Bool:
		return bool(value), true
	}
	return nil, false
}

// holds reports whether all comparisons certainly hold.
func (p plain) holds(values Values) bool {
	for _, c := range p {
		value, ok := values(c.variable)
		for _, name := range c.path {
			if !ok {
				return false
			}
			switch object := value.(type) {
			case map[string]any:
				value, ok = object[name]
			case map[string]float64:
				value, ok = object[name]
			default:
				return false
			}
		}
		if !ok || !c.holds(value) {
			return false
		}
	}
	return len(p) > 0
}

func (c comparisonOf) holds(value any) bool {
	const exact = 1 << 53 // up to which a double is any integer
	switch want := c.want.(type) {
	case int64:
		switch value := value.(type) {
		case int:
			return ordered(c.operator, int64(value), want)
		case int64:
			return ordered(c.operator, value, want)
		case float64:
			return !math.IsNaN(value) && -exact < want && want < exact && ordered(c.operator, value, float64(want))
		}
	case float64:
		number, ok := value.(float64)
		return ok && !math.IsNaN(number) && ordered(c.operator, number, want)
	case string:
		switch value := value.(type) {
		case string:
			return ordered(c.operator, value, want)
		case []string:
			return c.operator == operators.In && slices.Contains(value, want)
		}
	case bool:
		is, ok := value.(bool)
		return ok && ((c.operator == operators.Equals && is == want) || (c.operator == operators.NotEquals && is != want))
	case time.Duration:
		took, ok := value.(time.Duration)
		return ok && ordered(c.operator, took, want)
	}
	return false
}

func ordered[T cmp.Ordered](operator string, value, want T) bool {
	switch operator {
	case operators.Equals:
		return value == want
	case operators.NotEquals:
		return value != want
	case operators.Less:
		return value < want
	case operators.LessEquals:
		return value <= want
	case operators.Greater:
		return value > want
	case operators.GreaterEquals:
		return value >= want
	}
	return false
}
