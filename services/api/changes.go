package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// AuditEntry is one change of a definition: who made it, by which command, and what it changed.
type AuditEntry struct {
	Sequence  uint64        `json:"sequence"`
	EventID   string        `json:"event_id"`
	Type      string        `json:"type"`
	Time      time.Time     `json:"time"`
	Revision  uint64        `json:"revision"`
	Actor     string        `json:"actor,omitempty"`
	CommandID string        `json:"command_id,omitempty"`
	Changes   []FieldChange `json:"changes"`
}

// AuditPage is one page of changes.
type AuditPage struct {
	Items      []AuditEntry `json:"items"`
	NextCursor string       `json:"next_cursor,omitempty"`
	Total      int          `json:"total"`
}

// changesBlock is how many events of an aggregate are read at a time.
const changesBlock = 1000

type checkChanges struct {
	CheckID
	Listing
}

type serviceChanges struct {
	ServiceID
	Listing
}

func (s *server) changeRoutes(d *document) {
	const description = "Newest first, with what every change did field by field, from the event log itself: also of what is deleted. " +
		"Fields of `options` and `labels` are named one by one, such as `labels.team`."
	errors := []int{http.StatusNotFound, http.StatusUnprocessableEntity}
	register(d, operation{
		id: "list-check-changes", method: http.MethodGet, path: "/checks/{id}/changes", tag: tagChecks, summary: "List who changed what of a check",
		description: description, errors: errors, answer: exampleChanges(monitor.CheckUpdated{}.Type(), "failure_threshold", 1, 2),
	}, func(ctx context.Context, in *checkChanges) (*answer, error) {
		return s.listChanges(ctx, bus.Filter{Aggregate: "check", ID: in.ID}, in.Listing)
	})
	register(d, operation{
		id: "list-service-changes", method: http.MethodGet, path: "/services/{id}/changes", tag: tagServices, summary: "List who changed what of a service",
		description: description, errors: errors, answer: exampleChanges(monitor.ServiceUpdated{}.Type(), "name", "Web", "Web site"),
	}, func(ctx context.Context, in *serviceChanges) (*answer, error) {
		return s.listChanges(ctx, bus.Filter{Aggregate: "service", ID: in.ID}, in.Listing)
	})
}

func exampleChanges(kind, field string, from, to any) AuditPage {
	return AuditPage{Total: 3, NextCursor: "1842", Items: []AuditEntry{{
		Sequence: 1842, EventID: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10", Type: kind, Time: exampleTime(0), Revision: 3,
		CommandID: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a0f", Changes: []FieldChange{{Field: field, From: from, To: to}},
	}}}
}

// listChanges folds all events of an aggregate: what an update changed is known from those before it.
// The cursor is the sequence of the last entry of the page before.
func (s *server) listChanges(ctx context.Context, of bus.Filter, listing Listing) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	before := uint64(1<<64 - 1)
	if listing.Cursor != "" {
		var err error
		if before, err = strconv.ParseUint(listing.Cursor, 10, 64); err != nil {
			return nil, invalidField("cursor", "%.80q does not belong to this list: begin again without a cursor", listing.Cursor)
		}
	}
	entries, err := s.changesOf(ctx, of)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, problem(http.StatusNotFound, "not-found", "%s %q never existed: the event log has nothing about it; %s/%ss lists those there are",
			of.Aggregate, of.ID, base, of.Aggregate)
	}
	slices.Reverse(entries)
	page := AuditPage{Items: []AuditEntry{}, Total: len(entries)}
	for _, e := range entries {
		if e.Sequence >= before {
			continue
		}
		if len(page.Items) == listing.Limit {
			page.NextCursor = strconv.FormatUint(page.Items[len(page.Items)-1].Sequence, 10)
			break
		}
		page.Items = append(page.Items, e)
	}
	return &answer{Status: http.StatusOK, Body: page}, nil
}

// changesOf returns the changes of an aggregate's definition, oldest first.
func (s *server) changesOf(ctx context.Context, of bus.Filter) ([]AuditEntry, error) {
	var fold changeFold
	for after := uint64(0); ; {
		events, err := s.bus.Read(ctx, after, changesBlock, of)
		if err != nil {
			return nil, fmt.Errorf("read the events of %s %s: %w", of.Aggregate, of.ID, err)
		}
		if len(events) == 0 {
			return fold.entries, nil
		}
		for _, m := range events {
			if err := fold.apply(m); err != nil {
				return nil, fmt.Errorf("event %d: %w", m.Sequence, err)
			}
			after = m.Sequence
		}
	}
}

// changeFields describes the fields of changes.
func changeFields() map[string]string {
	return map[string]string{
		"AuditEntry.sequence": "Place of the event in EVENTS.", "AuditEntry.revision": "Revision of the definition after it.",
		"AuditEntry.actor": "Who asked, where that is known.", "AuditEntry.type": "Type of the event.", "AuditEntry.time": "When it was written.",
		"AuditEntry.command_id": "Id of the command that asked for it.", "AuditEntry.event_id": "UUIDv7 of the event.",
		"AuditEntry.changes": "What became different, by field; none when the definition stayed the same.",
		"FieldChange.field":  "Name of the field; within options and labels with a dot.", "FieldChange.from": "Before; absent when the field was not there.",
		"FieldChange.to": "After; absent when the field is no longer there.",
	}
}
