package jetstream

import (
	"encoding/base64"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// The streams.
const (
	streamCommands    = "COMMANDS"
	streamEvents      = "EVENTS"
	streamExecutions  = "EXECUTIONS"
	streamResults     = "RESULTS"
	streamDeadLetters = "DEAD_LETTERS"
)

// Subjects that are the same for all.
const (
	allCommands   = "vedette.command.>"
	allEvents     = "vedette.event.>"
	allExecutions = "vedette.execute.*"
	allResults    = "vedette.result.*"
	allDead       = "vedette.dead.>"
	allIngest     = "vedette.ingest.*"
	liveEvents    = "vedette.live.event.>"
	liveResults   = "vedette.live.result.>"
	liveRunners   = "vedette.live.runner.>"
)

// addressed is what events and commands have in common.
type addressed interface {
	Aggregate() (kind, id string)
	Verb() string
}

// place is where an aggregate's events stand: its subjects and the filter over all of them come
// from the same prefix, so that an expectation can never be about another aggregate.
type place struct{ prefix string }

func placeOf(kind, id string) place {
	return place{"vedette.event." + kind + "." + token(id)}
}

func (p place) subject(verb string) string { return p.prefix + "." + verb }

func (p place) filter() string { return p.prefix + ".>" }

func eventSubject(e addressed) string {
	kind, id := e.Aggregate()
	return placeOf(kind, id).subject(e.Verb())
}

func eventFilter(f bus.Filter) string {
	switch {
	case f.Aggregate == "":
		return allEvents
	case f.ID == "":
		return "vedette.event." + f.Aggregate + ".>"
	case f.Verb != "":
		return placeOf(f.Aggregate, f.ID).subject(f.Verb)
	default:
		return placeOf(f.Aggregate, f.ID).filter()
	}
}

func commandSubject(c addressed) string {
	kind, id := c.Aggregate()
	return "vedette.command." + kind + "." + token(id) + "." + c.Verb()
}

func commandFilter(kind string) string { return "vedette.command." + kind + ".>" }

func executionSubject(location string) string { return "vedette.execute." + token(location) }

func resultSubject(location string) string { return "vedette.result." + token(location) }

func ingestSubject(location string) string { return "vedette.ingest." + token(location) }

// locationOf returns the location of an ingest subject.
func locationOf(subject string) string {
	return untoken(subject[strings.LastIndexByte(subject, '.')+1:])
}

func liveResultSubject(r monitor.Result, verb string) string {
	return "vedette.live.result." + token(r.Service) + "." + token(r.CheckID) + "." + verb
}

func liveRunnerSubject(r monitor.Runner) string {
	return "vedette.live.runner." + token(r.Location) + "." + token(r.ID)
}

func liveTestSubject(executionID string) string { return "vedette.live.test." + token(executionID) }

// consumerOf is the durable from which the runners of a location pull.
func consumerOf(location string) string { return "x-" + token(location) }

// escaped marks a token that is not the text itself. No id begins with it.
const escaped = "="

// token makes one subject token of any text: ids as they are, anything else encoded.
func token(text string) string {
	if monitor.ValidID(text) {
		return text
	}
	return escaped + base64.RawURLEncoding.EncodeToString([]byte(text))
}

// untoken returns the text of a token.
func untoken(t string) string {
	encoded, ok := strings.CutPrefix(t, escaped)
	if !ok {
		return t
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return t
	}
	return string(text)
}
