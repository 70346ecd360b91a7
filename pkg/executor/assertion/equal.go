package assertion

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// interruptible has ==, != and in look at the context as loops do: CEL compares two large values in
// one step.
func interruptible() cel.ProgramOption {
	return cel.CustomDecoratorV2(func(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if call, ok := part.(interpreter.InterpretableCall); ok {
			switch call.Function() {
			case operators.Equals, operators.NotEquals, operators.In:
				return comparing{call}, nil
			}
		}
		return part, nil
	})
}

type comparing struct{ interpreter.InterpretableCall }

// Eval implements interpreter.Interpretable.
func (c comparing) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

// Exec implements interpreter.InterpretableV2.
func (c comparing) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	left := c.Args()[0].Exec(frame)
	if types.IsUnknownOrError(left) {
		return left
	}
	right := c.Args()[1].Exec(frame)
	if types.IsUnknownOrError(right) {
		return right
	}
	w := comparison{frame: frame}
	var holds bool
	switch c.Function() {
	case operators.In:
		if container, ok := right.(traits.Lister); ok {
			holds = w.contains(container, left)
		} else if container, ok := right.(traits.Mapper); ok {
			_, holds = container.Find(left)
		} else {
			return types.MaybeNoSuchOverloadErr(right)
		}
	case operators.NotEquals:
		holds = !w.equal(left, right)
	default:
		holds = w.equal(left, right)
	}
	if w.interrupted {
		return types.WrapErr(interpreter.InterruptError{})
	}
	return types.Bool(holds)
}

// comparison is one of two values. What it says counts unless it was interrupted.
type comparison struct {
	frame       *interpreter.ExecutionFrame
	steps       int
	interrupted bool
}

// goesOn reports whether there is time for another step.
func (w *comparison) goesOn() bool {
	const every = 64
	if w.steps++; w.steps%every == 0 && w.frame.CheckInterrupt() {
		w.interrupted = true
	}
	return !w.interrupted
}

// equal is as types.Equal.
func (w *comparison) equal(left, right ref.Val) bool {
	switch left := left.(type) {
	case traits.Mapper:
		other, ok := right.(traits.Mapper)
		return ok && left.Size() == other.Size() && w.sameEntries(left, other)
	case traits.Lister:
		other, ok := right.(traits.Lister)
		return ok && left.Size() == other.Size() && w.sameItems(left, other)
	}
	return types.Equal(left, right) == types.True
}

func (w *comparison) sameEntries(left, right traits.Mapper) bool {
	for it := left.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		value, _ := left.Find(key)
		other, found := right.Find(key)
		if !found || !w.goesOn() || !w.equal(value, other) {
			return false
		}
	}
	return true
}

func (w *comparison) sameItems(left, right traits.Lister) bool {
	others := right.Iterator()
	for it := left.Iterator(); it.HasNext() == types.True; {
		if !w.goesOn() || !w.equal(it.Next(), others.Next()) {
			return false
		}
	}
	return true
}

func (w *comparison) contains(list traits.Lister, value ref.Val) bool {
	for it := list.Iterator(); it.HasNext() == types.True; {
		if !w.goesOn() {
			return false
		}
		if w.equal(value, it.Next()) {
			return true
		}
	}
	return false
}
