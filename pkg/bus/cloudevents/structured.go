package cloudevents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// structured is a message in structured mode, with its data as D.
type structured[D any] struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Type            string    `json:"type"`
	Source          string    `json:"source"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Sequence        string    `json:"sequence,omitempty"`
	CommandID       string    `json:"commandid,omitempty"`
	CausationID     string    `json:"causationid,omitempty"`
	CorrelationID   string    `json:"correlationid,omitempty"`
	Actor           string    `json:"actor,omitempty"`
	Revision        uint64    `json:"revision,omitempty"`
	Data            D         `json:"data"`
}

// meta returns the attributes of a message that was read.
func (s structured[D]) meta() (monitor.Meta, error) {
	if s.SpecVersion != "1.0" {
		return monitor.Meta{}, fmt.Errorf("specversion %q: only 1.0 is read", s.SpecVersion)
	}
	if err := checkTime(s.Time); err != nil {
		return monitor.Meta{}, fmt.Errorf("time: %w", err)
	}
	meta := monitor.Meta{
		ID: s.ID, Source: s.Source, Time: s.Time, CommandID: s.CommandID, CausationID: s.CausationID,
		CorrelationID: s.CorrelationID, Actor: s.Actor, Revision: s.Revision,
	}
	if s.Sequence != "" {
		sequence, err := strconv.ParseUint(s.Sequence, 10, 64)
		if err != nil {
			return monitor.Meta{}, fmt.Errorf("sequence: %w", err)
		}
		meta.Sequence = sequence
	}
	return meta, nil
}

func (c *Codec) destructure(s structured[json.RawMessage]) (monitor.EventMessage, error) {
	meta, err := s.meta()
	if err != nil {
		return monitor.EventMessage{}, err
	}
	event, err := decode(c.events, s.Type, s.Data)
	return monitor.EventMessage{Meta: meta, Event: event}, err
}

// MarshalEvent writes one event in structured mode. Its sequence is a string, as JSON numbers lose
// what is beyond 2^53.
func MarshalEvent(m monitor.EventMessage) ([]byte, error) {
	s := structured[monitor.Event]{
		SpecVersion: "1.0", ID: m.ID, Type: m.Event.Type(), Source: m.Source, Subject: subjectOf(m.Event),
		Time: m.Time.UTC(), DataContentType: "application/json", CommandID: m.CommandID, CausationID: m.CausationID,
		CorrelationID: m.CorrelationID, Actor: m.Actor, Revision: m.Revision, Data: m.Event,
	}
	if m.Sequence > 0 {
		s.Sequence = strconv.FormatUint(m.Sequence, 10)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Event.Type(), err)
	}
	return raw, nil
}

// MarshalBatch writes events as one batch.
func MarshalBatch(events []monitor.EventMessage) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, m := range events {
		if i > 0 {
			out.WriteByte(',')
		}
		raw, err := MarshalEvent(m)
		if err != nil {
			return nil, err
		}
		out.Write(raw)
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

// UnmarshalEvent reads one event in structured mode. bus.ErrUnknownType: its type has no decoder.
func (c *Codec) UnmarshalEvent(raw []byte) (monitor.EventMessage, error) {
	var s structured[json.RawMessage]
	if err := json.Unmarshal(raw, &s); err != nil {
		return monitor.EventMessage{}, fmt.Errorf("decode event: %w", err)
	}
	return c.destructure(s)
}

// UnmarshalBatch reads a batch; the index of each event is its place. The lines of results are parts of
// raw, where it is written as MarshalBatch does.
func (c *Codec) UnmarshalBatch(raw []byte) ([]monitor.EventMessage, error) {
	if events, ok := scanResults(raw); ok {
		return events, nil
	}
	var batch []structured[json.RawMessage]
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	events := make([]monitor.EventMessage, len(batch))
	for i, s := range batch {
		m, err := c.destructure(s)
		if err != nil {
			return nil, fmt.Errorf("event %d of the batch: %w", i, err)
		}
		m.Index = i
		events[i] = m
	}
	return events, nil
}
