package cloudevents

import "github.com/vedette/vedette/pkg/monitor"

// scanResults reads a batch of results as MarshalBatch writes it, which is what nearly all batches are
// and what most of the time of reading goes into. ok is false for anything else, also for results of
// another version.
func scanResults(raw []byte) (events []monitor.EventMessage, ok bool) {
	s := scanner{raw: raw}
	var last monitor.EventMessage
	var result monitor.Result
	s.array(func() {
		last, result = scanEvent(&s, last.Meta, result)
		last.Index = len(events)
		events = append(events, last)
	})
	return events, !s.foreign && s.at == len(raw) && len(events) > 0
}

// fields notes which keys there were: none may come twice.
type fields uint32

func (f *fields) twice(bit int) bool {
	was := *f
	*f |= 1 << bit
	return *f == was
}

// scanEvent reads one result in structured mode. Texts that are those of the one before are shared
// with it.
func scanEvent(s *scanner, before monitor.Meta, like monitor.Result) (m monitor.EventMessage, result monitor.Result) {
	var seen fields
	var version, kind string
	s.object(func(key []byte) {
		bit := 0
		switch string(key) {
		case "specversion":
			bit, version = 1, s.text("1.0")
		case "id":
			bit, m.ID = 2, s.text()
		case "type":
			bit, kind = 3, s.word()
		case "source":
			bit, m.Source = 4, s.text(before.Source)
		case "subject":
			bit = 5
			s.skip()
		case "time":
			bit, m.Time = 6, s.time()
		case "datacontenttype":
			bit = 7
			s.skip()
		case "commandid":
			bit, m.CommandID = 8, s.text()
		case "causationid":
			bit, m.CausationID = 9, s.text()
		case "correlationid":
			bit, m.CorrelationID = 10, s.text(m.CausationID)
		case "actor":
			bit, m.Actor = 11, s.text()
		case "data":
			bit = 12
			s.object(func(key []byte) {
				if string(key) != "result" || len(m.Line) > 0 {
					s.foreign = true
					return
				}
				from := s.at
				result = scanResult(s, like, m.CausationID)
				m.Line = s.raw[from:s.at:s.at]
			})
		default:
			s.foreign = true
		}
		s.foreign = s.foreign || seen.twice(bit)
	})
	if version != "1.0" || checkTime(m.Time) != nil || len(m.Line) == 0 {
		s.foreign = true
	}
	switch kind {
	case monitor.CheckSucceeded{}.Type():
		m.Event = monitor.CheckSucceeded{Result: result}
	case monitor.CheckFailed{}.Type():
		m.Event = monitor.CheckFailed{Result: result}
	default:
		s.foreign = true
	}
	return m, result
}

func scanResult(s *scanner, like monitor.Result, id string) (r monitor.Result) {
	var seen fields
	s.object(func(key []byte) {
		bit := 0
		switch string(key) {
		case "id":
			bit, r.ID = 1, s.text(id)
		case "check_id":
			bit, r.CheckID = 2, s.text(like.CheckID)
		case "service":
			bit, r.Service = 3, s.text(like.Service)
		case "revision":
			bit, r.Revision = 4, s.unsigned()
		case "location":
			bit, r.Location = 5, s.text(like.Location)
		case "runner":
			bit, r.Runner = 6, s.text(like.Runner)
		case "due_at":
			bit, r.DueAt = 7, s.time()
		case "started_at":
			bit, r.StartedAt = 8, s.time()
		case "next_due_at":
			bit, r.NextDueAt = 9, s.time()
		case "duration_ms":
			bit, r.DurationMS = 10, s.float()
		case "outcome":
			bit, r.Outcome = 11, monitor.Outcome(s.text(string(like.Outcome)))
		case "attempts":
			bit, r.Attempts = 12, s.integer()
		case "observed":
			bit, r.Observed = 13, s.values(0)
		case "timings":
			bit, r.Timings = 14, scanTimings(s)
		case "assertions":
			bit, r.Assertions = 15, scanAssertions(s)
		case "error":
			bit, r.Error = 16, s.text(like.Error)
		case "trigger":
			bit, r.Trigger = 17, monitor.Trigger(s.text(string(like.Trigger)))
		default: // also wire, which only tests of definitions have
			s.foreign = true
		}
		s.foreign = s.foreign || seen.twice(bit)
	})
	return r
}

func scanTimings(s *scanner) *monitor.Timings {
	t := new(monitor.Timings)
	var seen fields
	s.object(func(key []byte) {
		bit := 0
		switch string(key) {
		case "dns_ms":
			bit, t.DNS = 1, s.float()
		case "connect_ms":
			bit, t.Connect = 2, s.float()
		case "tls_ms":
			bit, t.TLS = 3, s.float()
		case "first_byte_ms":
			bit, t.FirstByte = 4, s.float()
		case "transfer_ms":
			bit, t.Transfer = 5, s.float()
		default:
			s.foreign = true
		}
		s.foreign = s.foreign || seen.twice(bit)
	})
	return t
}

func scanAssertions(s *scanner) []monitor.AssertionResult {
	all := make([]monitor.AssertionResult, 0, 1)
	s.array(func() {
		var a monitor.AssertionResult
		var seen fields
		s.object(func(key []byte) {
			bit := 0
			switch string(key) {
			case "expression":
				bit, a.Expression = 1, s.word()
			case "passed":
				bit, a.Passed = 2, s.boolean()
			case "actual":
				bit, a.Actual = 3, s.word()
			case "error":
				bit, a.Error = 4, s.text()
			default:
				s.foreign = true
			}
			s.foreign = s.foreign || seen.twice(bit)
		})
		all = append(all, a)
	})
	return all
}
