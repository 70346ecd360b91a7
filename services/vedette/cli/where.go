package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/vedette/vedette/services/vedette/client"
)

// where is a condition that selects events; nil selects all.
type where struct {
	text    string
	program cel.Program
}

// whereCost bounds what the condition may do with one event, in CEL's own units.
const whereCost = 1_000_000

// parseWhere reads a CEL expression over an event.
func parseWhere(text string) (*where, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no condition, and no error
	}
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(),
		cel.Variable("time", cel.TimestampType), cel.Variable("sequence", cel.IntType), cel.Variable("revision", cel.IntType),
		cel.Variable("data", cel.DynType),
	}
	for _, name := range []string{"id", "type", "source", "subject", "actor", "commandid", "causationid", "correlationid"} {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("prepare --where: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, fmt.Errorf("--where cannot be read: %w", issues.Err())
	}
	if out := ast.OutputType(); !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("--where gives %s: write a condition, such as data.to == \"down\"", out)
	}
	program, err := env.Program(ast, cel.CostLimit(whereCost))
	if err != nil {
		return nil, fmt.Errorf("prepare --where: %w", err)
	}
	return &where{text, program}, nil
}

// matches reports whether an event is selected. One that lacks a field that is named is not.
func (w *where) matches(e client.Event) (bool, error) {
	if w == nil {
		return true, nil
	}
	var data any
	if err := json.Unmarshal(e.Value.Data, &data); err != nil {
		return false, fmt.Errorf("read the data of event %s: %w", e.Value.Sequence, err)
	}
	sequence, err := strconv.ParseInt(string(e.Value.Sequence), 10, 64)
	if err != nil {
		sequence = 0 // not one that a server gave
	}
	v := e.Value
	found, _, err := w.program.Eval(map[string]any{
		"id": v.ID, "type": v.Type, "source": v.Source, "subject": v.Subject, "time": v.Time, "sequence": sequence,
		"revision": int64(v.Revision), "actor": v.Actor, "commandid": v.CommandID, "causationid": v.CausationID,
		"correlationid": v.CorrelationID, "data": data,
	})
	if err != nil {
		if strings.Contains(err.Error(), "no such key") || strings.Contains(err.Error(), "no such attribute") {
			return false, nil
		}
		return false, fmt.Errorf("--where and event %s: %w", v.Sequence, err)
	}
	selected, ok := found.Value().(bool)
	if !ok {
		return false, errors.New("--where gives no truth value: write a condition, such as data.to == \"down\"")
	}
	return selected, nil
}
