package cloudevents

import (
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/monitor"
)

// NewCommand returns a command about to be sent. id is the command id; empty makes one.
func NewCommand(id string, command monitor.Command, source, actor string, now time.Time) monitor.CommandMessage {
	if id == "" {
		id = NewID()
	}
	return monitor.CommandMessage{
		Meta:    monitor.Meta{ID: id, Source: source, Time: now.UTC(), CorrelationID: id, Actor: actor},
		Command: command,
	}
}

// NewID returns a UUIDv7.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil { // only when the system has no randomness
		return uuid.NewString()
	}
	return id.String()
}
