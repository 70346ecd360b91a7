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
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "specversion":
			number, version = 1, s.Text("1.0")
		case "id":
			number, m.ID = 2, s.Text()
		case "type":
			number, kind = 3, s.Word()
		case "source":
			number, m.Source = 4, s.Text(before.Source)
		case "subject":
			number = 5
			s.Skip()
		case "time":
			number, m.Time = 6, s.Time()
		case "datacontenttype":
			number = 7
			s.Skip()
		case "commandid":
			number, m.CommandID = 8, s.Text()
		case "causationid":
			number, m.CausationID = 9, s.Text()
		case "correlationid":
			number, m.CorrelationID = 10, s.Text(m.CausationID)
		case "actor":
			number, m.Actor = 11, s.Text()
		case "data":
			number = 12
			s.Object(func(key []byte) int {
				if string(key) != "result" {
					return 0
				}
				m.Line = s.Span(func() { result = scanResult(s, like, m.CausationID) })
				return 1
			})
		}
		return number
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
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "id":
			number, r.ID = 1, s.Text(id)
		case "check_id":
			number, r.CheckID = 2, s.Text(like.CheckID)
		case "service":
			number, r.Service = 3, s.Text(like.Service)
		case "revision":
			number, r.Revision = 4, s.Unsigned()
		case "location":
			number, r.Location = 5, s.Text(like.Location)
		case "runner":
			number, r.Runner = 6, s.Text(like.Runner)
		case "due_at":
			number, r.DueAt = 7, s.Time()
		case "started_at":
			number, r.StartedAt = 8, s.Time()
		case "next_due_at":
			number, r.NextDueAt = 9, s.Time()
		case "duration_ms":
			number, r.DurationMS = 10, s.Float()
		case "outcome":
			number, r.Outcome = 11, monitor.Outcome(s.Text(string(like.Outcome)))
		case "attempts":
			number, r.Attempts = 12, s.Integer()
		case "observed":
			number, r.Observed = 13, s.Values()
		case "timings":
			number, r.Timings = 14, scanTimings(s)
		case "assertions":
			number, r.Assertions = 15, scanAssertions(s)
		case "error":
			number, r.Error = 16, s.Text(like.Error)
		case "trigger":
			number, r.Trigger = 17, monitor.Trigger(s.Text(string(like.Trigger)))
		}
		return number
	})
	return r
}

func scanTimings(s *jsonscan.Scanner) *monitor.Timings {
	t := new(monitor.Timings)
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "dns_ms":
			number, t.DNS = 1, s.Float()
		case "connect_ms":
			number, t.Connect = 2, s.Float()
		case "tls_ms":
			number, t.TLS = 3, s.Float()
		case "first_byte_ms":
			number, t.FirstByte = 4, s.Float()
		case "transfer_ms":
			number, t.Transfer = 5, s.Float()
		}
		return number
	})
	return t
}

func scanAssertions(s *jsonscan.Scanner) []monitor.AssertionResult {
	all := make([]monitor.AssertionResult, 0, 1)
	s.Array(func() {
		var a monitor.AssertionResult
		s.Object(func(key []byte) (number int) {
			switch string(key) {
			case "expression":
				number, a.Expression = 1, s.Word()
			case "passed":
				number, a.Passed = 2, s.Boolean()
			case "actual":
				number, a.Actual = 3, s.Word()
			case "error":
				number, a.Error = 4, s.Text()
			}
			return number
		})
		all = append(all, a)
	})
	return all
}
