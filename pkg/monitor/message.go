package monitor

import "time"

// Meta are the attributes of a message, those of CloudEvents 1.0 and Vedette's extensions.
type Meta struct {
	// ID is a UUIDv7.
	ID string
	// Source names the process that wrote it: "/vedette/decider".
	Source string
	Time   time.Time
	// Sequence is the stream sequence, set on reading; Index is the place in a RESULTS batch.
	Sequence uint64
	Index    int
	// StoredAt is the server's time of storing, set on reading.
	StoredAt time.Time
	// CommandID is the command that caused it; CausationID the message that directly did;
	// CorrelationID what the whole chain shares; Actor who asked.
	CommandID, CausationID, CorrelationID, Actor string
	// Revision is the aggregate's after the event.
	Revision uint64
}

// Position is the message's place in RESULTS.
func (m Meta) Position() Position { return Position{Sequence: m.Sequence, Index: m.Index} }

// EventMessage is an event with its attributes.
type EventMessage struct {
	Meta
	Event Event
	// Line is a result as it stands in RESULTS, as JSON without a line break, so that nobody has to write
	// it again; nil where it is not at hand. It is a part of what was read with it.
	Line []byte
}

// CommandMessage is a command with its attributes; its ID is the command id.
type CommandMessage struct {
	Meta
	Command Command
}
