package assertion

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// maxActual bounds an actual value in bytes.
const maxActual = 200

// Actual finds the values that an assertion was about: those that decided, in at most maxActual bytes.
// It evaluates the assertion again.
func (a *Assertion) Actual(ctx context.Context, values Values, clean func(string) string) string {
	tracing, err := a.tracing()
	if err != nil {
		return ""
	}
	_, details, err := tracing.ContextEval(ctx, activation(values))
	if err != nil || details == nil {
		return ""
	}
	f := finder{clean: clean, valueOf: func(e ast.Expr) ref.Val {
		v, _ := details.State().Value(e.ID())
		return v
	}}
	return clipTo(strings.Join(f.find(a.ast.NativeRep().Expr()), " and "), maxActual)
}

// finder walks to the parts that decided and shows what they looked at.
type finder struct {
	valueOf func(ast.Expr) ref.Val
	clean   func(string) string
}

func (f finder) find(e ast.Expr) []string {
	switch e.Kind() {
	case ast.CallKind:
		return f.findInCall(e)
	case ast.ComprehensionKind:
		return f.show(e.AsComprehension().IterRange())
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return nil // has(…): it is not there
		}
	}
	return f.show(e)
}

func (f finder) findInCall(e ast.Expr) (found []string) {
	call := e.AsCall()
	add := func(texts []string) {
		for _, text := range texts {
			if !slices.Contains(found, text) {
				found = append(found, text)
			}
		}
	}
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		whole := f.valueOf(e)
		for _, part := range call.Args() {
			if v := f.valueOf(part); v != nil && whole != nil && v.Value() == whole.Value() {
				add(f.find(part))
			}
		}
		return found
	case operators.LogicalNot:
		return f.find(call.Args()[0])
	case operators.Conditional:
		return f.findInConditional(call.Args())
	}
	for _, operand := range append([]ast.Expr{call.Target()}, call.Args()...) {
		if varies(operand) {
			add(f.show(operand))
		}
	}
	return found
}

// findInConditional looks into the branch that was taken; where that is constant, the condition
// decided.
func (f finder) findInConditional(args []ast.Expr) []string {
	branch := args[2]
	if v := f.valueOf(args[0]); v != nil && v.Value() == true {
		branch = args[1]
	}
	if !varies(branch) {
		branch = args[0]
	}
	return f.find(branch)
}

// varies reports whether the value of an expression depends on what was observed.
func varies(e ast.Expr) (found bool) {
	if e == nil || e.Kind() == ast.UnspecifiedExprKind {
		return false
	}
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) { found = found || part.Kind() == ast.IdentKind }))
	return found
}

func (f finder) show(e ast.Expr) []string {
	v := f.valueOf(e)
	if v == nil || types.IsUnknownOrError(v) {
		return nil
	}
	return []string{show(v, f.clean)}
}

// show writes a value as it would be written in an expression, in at most maxActual bytes and a
// mark that there is more.
func show(v ref.Val, clean func(string) string) string {
	w := &writer{clean: clean}
	w.write(v)
	return clipTo(w.String(), maxActual)
}

type writer struct {
	strings.Builder
	clean func(string) string
	depth int
}

func (w *writer) write(v ref.Val) {
	const maxDepth = 20
	w.depth++
	defer func() { w.depth-- }()
	if w.depth > maxDepth || w.Len() > maxActual {
		w.WriteString("…")
		return
	}
	switch v := v.(type) {
	case types.String:
		w.text(string(v))
	case types.Double:
		w.WriteString(double(float64(v)))
	case types.Duration:
		w.WriteString(v.Round(10 * time.Microsecond).String())
	case types.Timestamp:
		w.WriteString(v.UTC().Format(time.RFC3339))
	case types.Null:
		w.WriteString("null")
	case types.Bytes:
		fmt.Fprintf(w, "%d bytes", len(v))
	case traits.Mapper:
		w.entries(v)
	case traits.Lister:
		w.items(v)
	default:
		fmt.Fprint(w, v.Value())
	}
}

// text writes a string without what must not be shown, and no more of it than is needed.
func (w *writer) text(text string) {
	if w.clean != nil {
		text = w.clean(text)
	}
	w.WriteString(strconv.Quote(clipTo(text, maxActual)))
}

func (w *writer) items(list traits.Lister) {
	w.WriteString("[")
	for i, it := 0, list.Iterator(); it.HasNext() == types.True && w.Len() <= maxActual; i++ {
		if i > 0 {
			w.WriteString(", ")
		}
		w.write(it.Next())
	}
	w.WriteString("]")
}

// entries writes a map in the order of its keys, so that the same value looks the same each time.
func (w *writer) entries(m traits.Mapper) {
	const most = 1000
	var keys []ref.Val
	for it := m.Iterator(); it.HasNext() == types.True && len(keys) < most; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, func(a, b ref.Val) int {
		return strings.Compare(fmt.Sprint(a.Value()), fmt.Sprint(b.Value()))
	})
	w.WriteString("{")
	for i, key := range keys {
		if w.Len() > maxActual {
			break
		}
		if i > 0 {
			w.WriteString(", ")
		}
		w.write(key)
		w.WriteString(": ")
		w.write(m.Get(key))
	}
	w.WriteString("}")
}

// double writes whole numbers as such: JSON knows no others.
func double(f float64) string {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) < exact {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func clip(text string) string { return clipTo(text, 80) }

// clipTo shortens a text to valid UTF-8 of at most so many bytes, and a mark that it was.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
