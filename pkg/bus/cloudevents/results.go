package cloudevents

import (
	"github.com/vedette/vedette/pkg/jsonscan"
	"github.com/vedette/vedette/pkg/monitor"
)

// scanResults reads a batch of results as MarshalBatch writes it, which is what nearly all batches are
// and what most of the time of reading goes into. ok is false for anything else, also for results of
// another version.
func scanResults(raw []byte) (events []monitor.EventMessage, ok bool) {
	s := jsonscan.New(raw)
	var last monitor.EventMessage
	var result monitor.Result
	s.Array(func() {
		last, result = scanEvent(s, last.Meta, result)
		last.Index = len(events)
		events = append(events, last)
	})
	return events, s.Whole() && len(events) > 0
}

// scanEvent reads one result in structured mode. Texts that are those of the one before are shared
// with it.
func scanEvent(s *jsonscan.Scanner, before monitor.Meta, like monitor.Result) (m monitor.EventMessage, result monitor.Result) {
	var version, kind string
	s.Object(func(key []byte) int {
		bit := 0
		switch string(key) {
		case "specversion":
			bit, version = 1, s.Text("1.0")
		case "id":
			bit, m.ID = 2, s.Text()
		case "type":
			bit, kind = 3, s.Word()
		case "source":
			bit, m.Source = 4, s.Text(before.Source)
		case "subject":
			bit = 5
			s.Skip()
		case "time":
			bit, m.Time = 6, s.Time()
		case "datacontenttype":
			bit = 7
			s.Skip()
		case "commandid":
			bit, m.CommandID = 8, s.Text()
		case "causationid":
			bit, m.CausationID = 9, s.Text()
		case "correlationid":
			bit, m.CorrelationID = 10, s.Text(m.CausationID)
		case "actor":
			bit, m.Actor = 11, s.Text()
		case "data":
			bit = 12
			s.Object(func(key []byte) int {
				if string(key) != "result" {
					return 0
				}
				m.Line = s.Span(func() { result = scanResult(s, like, m.CausationID) })
				return 1
			})
		}
		return bit
	})
	if version != "1.0" || checkTime(m.Time) != nil || len(m.Line) == 0 {
		s.Refuse()
	}
	switch kind {
	case monitor.CheckSucceeded{}.Type():
		m.Event = monitor.CheckSucceeded{Result: result}
	case monitor.CheckFailed{}.Type():
		m.Event = monitor.CheckFailed{Result: result}
	default:
		s.Refuse()
	}
	return m, result
}

// scanResult knows all but wire, which only tests of definitions have.
func scanResult(s *jsonscan.Scanner, like monitor.Result, id string) (r monitor.Result) {
	s.Object(func(key []byte) int {
		bit := 0
		switch string(key) {
		case "id":
			bit, r.ID = 1, s.Text(id)
		case "check_id":
			bit, r.CheckID = 2, s.Text(like.CheckID)
		case "service":
			bit, r.Service = 3, s.Text(like.Service)
		case "revision":
			bit, r.Revision = 4, s.Unsigned()
		case "location":
			bit, r.Location = 5, s.Text(like.Location)
		case "runner":
			bit, r.Runner = 6, s.Text(like.Runner)
		case "due_at":
			bit, r.DueAt = 7, s.Time()
		case "started_at":
			bit, r.StartedAt = 8, s.Time()
		case "next_due_at":
			bit, r.NextDueAt = 9, s.Time()
		case "duration_ms":
			bit, r.DurationMS = 10, s.Float()
		case "outcome":
			bit, r.Outcome = 11, monitor.Outcome(s.Text(string(like.Outcome)))
		case "attempts":
			bit, r.Attempts = 12, s.Integer()
		case "observed":
			bit, r.Observed = 13, s.Values()
		case "timings":
			bit, r.Timings = 14, scanTimings(s)
		case "assertions":
			bit, r.Assertions = 15, scanAssertions(s)
		case "error":
			bit, r.Error = 16, s.Text(like.Error)
		case "trigger":
			bit, r.Trigger = 17, monitor.Trigger(s.Text(string(like.Trigger)))
		}
		return bit
	})
	return r
}

func scanTimings(s *jsonscan.Scanner) *monitor.Timings {
	t := new(monitor.Timings)
	s.Object(func(key []byte) int {
		bit := 0
		switch string(key) {
		case "dns_ms":
			bit, t.DNS = 1, s.Float()
		case "connect_ms":
			bit, t.Connect = 2, s.Float()
		case "tls_ms":
			bit, t.TLS = 3, s.Float()
		case "first_byte_ms":
			bit, t.FirstByte = 4, s.Float()
		case "transfer_ms":
			bit, t.Transfer = 5, s.Float()
		}
		return bit
	})
	return t
}

func scanAssertions(s *jsonscan.Scanner) []monitor.AssertionResult {
	all := make([]monitor.AssertionResult, 0, 1)
	s.Array(func() {
		var a monitor.AssertionResult
		s.Object(func(key []byte) int {
			bit := 0
			switch string(key) {
			case "expression":
				bit, a.Expression = 1, s.Word()
			case "passed":
				bit, a.Passed = 2, s.Boolean()
			case "actual":
				bit, a.Actual = 3, s.Word()
			case "error":
				bit, a.Error = 4, s.Text()
			}
			return bit
		})
		all = append(all, a)
	})
	return all
}
