// Package cloudevents is the wire form of messages: CloudEvents 1.0.
//
// On NATS a message is in binary mode, its attributes in ce-* headers and its data as JSON body.
// Over HTTP it is structured JSON. A batch is an array of structured events. A type, once written,
// stays readable for ever: older versions are turned into the newest by upcasters when they are read.
package cloudevents

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

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
		return target.Elem().Interface().(M), nil //nolint:forcetypeassert // it was made of its type
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
	if err := checkTime(at); err != nil {
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

// checkTime refuses times that cannot be written as RFC 3339 in UTC.
func checkTime(at time.Time) error {
	if year := at.UTC().Year(); year < 0 || year > 9999 {
		return fmt.Errorf("year %d: bounds are 0 and 9999", year)
	}
	return nil
}
