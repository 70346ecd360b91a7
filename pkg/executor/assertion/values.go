package assertion

import "github.com/google/cel-go/interpreter"

// Values finds the value of a variable when an expression needs it; not ok for one that there is not.
type Values func(name string) (value any, ok bool)

// Known are values that are made already, but for those that are a func() any: they are called when
// needed.
func Known(values map[string]any) Values {
	return func(name string) (any, bool) {
		value, ok := values[name]
		if made, later := value.(func() any); later {
			value = made()
		}
		return value, ok
	}
}

// activation is what CEL asks for values.
type activation Values

// ResolveName implements interpreter.Activation.
func (a activation) ResolveName(name string) (any, bool) {
	if a == nil {
		return nil, false
	}
	return a(name)
}

// Parent implements interpreter.Activation.
func (activation) Parent() interpreter.Activation { return nil }
