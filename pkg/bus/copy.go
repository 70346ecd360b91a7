package bus

import "reflect"

// copied returns a copy of v that shares nothing with it that could be changed.
func copied[T any](v T) T {
	value := reflect.ValueOf(&v).Elem()
	return deepCopy(value).Interface().(T) //nolint:forcetypeassert // a copy is of the same type
}

func copiedAll[T any](all []T) []T {
	out := make([]T, len(all))
	for i, v := range all {
		out[i] = copied(v)
	}
	return out
}

func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v
		}
		if v.Kind() == reflect.Interface {
			return deepCopy(v.Elem()).Convert(v.Type())
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(deepCopy(v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		copyElements(out, v)
		return out
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		copyElements(out, v)
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			out.SetMapIndex(key, deepCopy(value))
		}
		return out
	case reflect.Struct:
		return copyStruct(v)
	default:
		return v
	}
}

func copyElements(out, from reflect.Value) {
	if plain(from.Type().Elem().Kind()) {
		reflect.Copy(out, from)
		return
	}
	for i := range from.Len() {
		out.Index(i).Set(deepCopy(from.Index(i)))
	}
}

// copyStruct copies unexported fields as they are: of the types of messages only time.Time has any.
func copyStruct(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range out.NumField() {
		if field := out.Field(i); field.CanSet() && !plain(field.Kind()) {
			field.Set(deepCopy(v.Field(i)))
		}
	}
	return out
}

// plain reports whether a value of the kind is copied by assigning it.
func plain(k reflect.Kind) bool {
	return (k >= reflect.Bool && k <= reflect.Complex128) || k == reflect.String
}
