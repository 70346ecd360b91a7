// Package cloudevents is the wire form of messages: CloudEvents 1.0.
//
// On NATS a message is in binary mode, its attributes in ce-* headers and its data as JSON body.
// Over HTTP it is structured JSON. A batch is an array of structured events. A type, once written,
// stays readable for ever: older versions are turned into the newest by upcasters when they are read.
package cloudevents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Content types of the structured forms.
const (
	ContentType      = "application/cloudevents+json"
	BatchContentType = "application/cloudevents-batch+json"
)

// Codec reads and writes messages. It is safe for concurrent use.
type Codec struct {
	events   map[string]decoder[monitor.Event]
	commands map[string]decoder[monitor.Command]
}

type decoder[M any] func(data []byte) (M, error)

// Upcaster turns the data of an older version into that of a newer one.
type Upcaster struct {
	// From is the older type, "vedette.check.registered.v1"; To the newer one.
	From, To string
	Data     func(data []byte) ([]byte, error)
}

// New returns a codec of every command and event, with upcasters for older versions of them.
func New(upcasters ...Upcaster) *Codec {
	c := &Codec{events: make(map[string]decoder[monitor.Event]), commands: make(map[string]decoder[monitor.Command])}
	for _, e := range monitor.Events() {
		c.events[e.Type()] = decoderOf(e)
	}
	for _, cmd := range monitor.Commands() {
		c.commands[cmd.Type()] = decoderOf(cmd)
	}
	for _, u := range upcasters {
		if newer, ok := c.events[u.To]; ok {
			c.events[u.From] = upcast(u, newer)
		}
		if newer, ok := c.commands[u.To]; ok {
			c.commands[u.From] = upcast(u, newer)
		}
	}
	return c
}

func decoderOf[M any](zero M) decoder[M] {
	t := reflect.TypeOf(zero)
	return func(data []byte) (M, error) {
		target := reflect.New(t)
		if err := json.Unmarshal(data, target.Interface()); err != nil {
			var none M
			return none, err
		}
		return target.Elem().Interface().(M), nil
	}
}

func upcast[M any](u Upcaster, newer decoder[M]) decoder[M] {
	return func(data []byte) (M, error) {
		data, err := u.Data(data)
		if err != nil {
			var none M
			return none, fmt.Errorf("read %s as %s: %w", u.From, u.To, err)
		}
		return newer(data)
	}
}

// typed is what events and commands have in common.
type typed interface {
	Type() string
	Aggregate() (kind, id string)
}

func subjectOf(m typed) string {
	kind, id := m.Aggregate()
	return kind + "/" + id
}

// Binary returns the ce-* headers and the body of a message.
func Binary(meta monitor.Meta, message typed) (map[string]string, []byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", message.Type(), err)
	}
	headers := map[string]string{
		"ce-specversion": "1.0", "ce-id": meta.ID, "ce-type": message.Type(), "ce-source": meta.Source,
		"ce-subject": subjectOf(message), "ce-time": meta.Time.UTC().Format(time.RFC3339Nano),
	}
	for name, value := range map[string]string{
		"ce-commandid": meta.CommandID, "ce-causationid": meta.CausationID,
		"ce-correlationid": meta.CorrelationID, "ce-actor": meta.Actor,
	} {
		if value != "" {
			headers[name] = value
		}
	}
	if meta.Revision > 0 {
		headers["ce-revision"] = strconv.FormatUint(meta.Revision, 10)
	}
	return headers, body, nil
}

// ParseEvent reads an event in binary mode. bus.ErrUnknownType: its type has no decoder.
func (c *Codec) ParseEvent(header func(name string) string, body []byte) (monitor.EventMessage, error) {
	meta, err := parseMeta(header)
	if err != nil {
		return monitor.EventMessage{}, err
	}
	event, err := decode(c.events, header("ce-type"), body)
	return monitor.EventMessage{Meta: meta, Event: event}, err
}

// ParseCommand reads a command in binary mode. bus.ErrUnknownType: its type has no decoder.
func (c *Codec) ParseCommand(header func(name string) string, body []byte) (monitor.CommandMessage, error) {
	meta, err := parseMeta(header)
	if err != nil {
		return monitor.CommandMessage{}, err
	}
	command, err := decode(c.commands, header("ce-type"), body)
	return monitor.CommandMessage{Meta: meta, Command: command}, err
}

func decode[M any](decoders map[string]decoder[M], kind string, data []byte) (M, error) {
	var none M
	decode, ok := decoders[kind]
	if !ok {
		return none, fmt.Errorf("%w: %q", bus.ErrUnknownType, kind)
	}
	message, err := decode(data)
	if err != nil {
		return none, fmt.Errorf("decode %s: %w", kind, err)
	}
	return message, nil
}

func parseMeta(header func(string) string) (monitor.Meta, error) {
	if v := header("ce-specversion"); v != "1.0" {
		return monitor.Meta{}, fmt.Errorf("ce-specversion %q: only 1.0 is read", v)
	}
	at, err := time.Parse(time.RFC3339Nano, header("ce-time"))
	if err != nil {
		return monitor.Meta{}, fmt.Errorf("ce-time: %w", err)
	}
	meta := monitor.Meta{
		ID: header("ce-id"), Source: header("ce-source"), Time: at, CommandID: header("ce-commandid"),
		CausationID: header("ce-causationid"), CorrelationID: header("ce-correlationid"), Actor: header("ce-actor"),
	}
	if text := header("ce-revision"); text != "" {
		if meta.Revision, err = strconv.ParseUint(text, 10, 64); err != nil {
			return monitor.Meta{}, fmt.Errorf("ce-revision: %w", err)
		}
	}
	return meta, nil
}

// structured is a message in structured mode.
type structured struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Type            string          `json:"type"`
	Source          string          `json:"source"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Sequence        string          `json:"sequence,omitempty"`
	CommandID       string          `json:"commandid,omitempty"`
	CausationID     string          `json:"causationid,omitempty"`
	CorrelationID   string          `json:"correlationid,omitempty"`
	Actor           string          `json:"actor,omitempty"`
	Revision        uint64          `json:"revision,omitempty"`
	Data            json.RawMessage `json:"data"`
}

func structure(m monitor.EventMessage) (structured, error) {
	data, err := json.Marshal(m.Event)
	if err != nil {
		return structured{}, fmt.Errorf("encode %s: %w", m.Event.Type(), err)
	}
	s := structured{
		SpecVersion: "1.0", ID: m.ID, Type: m.Event.Type(), Source: m.Source, Subject: subjectOf(m.Event),
		Time: m.Time.UTC(), DataContentType: "application/json", CommandID: m.CommandID, CausationID: m.CausationID,
		CorrelationID: m.CorrelationID, Actor: m.Actor, Revision: m.Revision, Data: data,
	}
	if m.Sequence > 0 {
		s.Sequence = strconv.FormatUint(m.Sequence, 10)
	}
	return s, nil
}

func (c *Codec) destructure(s structured) (monitor.EventMessage, error) {
	event, err := decode(c.events, s.Type, s.Data)
	if err != nil {
		return monitor.EventMessage{}, err
	}
	m := monitor.EventMessage{Event: event, Meta: monitor.Meta{
		ID: s.ID, Source: s.Source, Time: s.Time, CommandID: s.CommandID, CausationID: s.CausationID,
		CorrelationID: s.CorrelationID, Actor: s.Actor, Revision: s.Revision,
	}}
	if s.Sequence != "" {
		if m.Sequence, err = strconv.ParseUint(s.Sequence, 10, 64); err != nil {
			return monitor.EventMessage{}, fmt.Errorf("sequence: %w", err)
		}
	}
	return m, nil
}

// MarshalEvent writes one event in structured mode. Its sequence is a string, as JSON numbers lose
// what is beyond 2^53.
func MarshalEvent(m monitor.EventMessage) ([]byte, error) {
	s, err := structure(m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
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
	var s structured
	if err := json.Unmarshal(raw, &s); err != nil {
		return monitor.EventMessage{}, fmt.Errorf("decode event: %w", err)
	}
	return c.destructure(s)
}

// UnmarshalBatch reads a batch; the index of each event is its place.
func (c *Codec) UnmarshalBatch(raw []byte) ([]monitor.EventMessage, error) {
	var batch []structured
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

// NewID returns a UUIDv7.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil { // only when the system has no randomness
		return uuid.NewString()
	}
	return id.String()
}
