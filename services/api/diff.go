package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/vedette/vedette/pkg/monitor"
)

// FieldChange is what a change did to one field. A field that was not there has no From, one that is
// no longer there no To.
type FieldChange struct {
	Field string `json:"field"`
	From  any    `json:"from,omitempty"`
	To    any    `json:"to,omitempty"`
}

// changeFold makes an audit of the events of one aggregate.
type changeFold struct {
	fields  map[string]any
	entries []AuditEntry
}

// apply takes the next event. An error says that a definition cannot be written as JSON.
func (f *changeFold) apply(m monitor.EventMessage) error {
	after, isChange, err := f.after(m.Event)
	if err != nil || !isChange {
		return err
	}
	f.entries = append(f.entries, AuditEntry{
		Sequence: m.Sequence, EventID: m.ID, Type: m.Event.Type(), Time: m.Time, Revision: m.Revision,
		Actor: m.Actor, CommandID: m.CommandID, Changes: diff(f.fields, after),
	})
	f.fields = after
	return nil
}

// after returns the fields of the definition after an event, none when it is deleted.
func (f *changeFold) after(event monitor.Event) (fields map[string]any, isChange bool, err error) {
	switch e := event.(type) {
	case monitor.CheckRegistered:
		fields, err = fieldsOf(e.Definition)
	case monitor.CheckUpdated:
		fields, err = fieldsOf(e.Definition)
	case monitor.ServiceRegistered:
		fields, err = fieldsOf(e.Definition)
	case monitor.ServiceUpdated:
		fields, err = fieldsOf(e.Definition)
	case monitor.PageRegistered:
		fields, err = fieldsOf(e.Definition)
	case monitor.PageUpdated:
		fields, err = fieldsOf(e.Definition)
	case monitor.CheckPaused:
		fields = f.paused(true)
	case monitor.CheckResumed:
		fields = f.paused(false)
	case monitor.CheckDeleted, monitor.ServiceDeleted, monitor.PageDeleted:
	default:
		return nil, false, nil
	}
	return fields, true, err
}

func (f *changeFold) paused(paused bool) map[string]any {
	fields := make(map[string]any, len(f.fields)+1)
	maps.Copy(fields, f.fields)
	fields["paused"] = paused
	return fields
}

// fieldsOf returns the fields of a definition, those within objects as "labels.team". Null and an
// object without fields say the same as none.
func fieldsOf(definition any) (map[string]any, error) {
	raw, err := json.Marshal(definition)
	if err != nil {
		return nil, err
	}
	var whole map[string]any
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(whole))
	for name, value := range whole {
		inner, isObject := value.(map[string]any)
		if !isObject && value != nil {
			fields[name] = value
		}
		for key, v := range inner {
			fields[name+"."+key] = v
		}
	}
	return fields, nil
}

// diff returns what differs, by field. A field that is null is not there.
func diff(before, after map[string]any) []FieldChange {
	changes := []FieldChange{}
	names := make(map[string]bool, len(after))
	for _, fields := range []map[string]any{before, after} {
		for name := range fields {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			changes = append(changes, FieldChange{Field: name, From: before[name], To: after[name]})
		}
	}
	return changes
}
