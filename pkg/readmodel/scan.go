package readmodel

import (
	"bytes"
	"encoding/json"

	"github.com/vedette/vedette/pkg/jsonscan"
	"github.com/vedette/vedette/pkg/monitor"
)

func readDefinition(text []byte) (d monitor.Definition, err error) {
	d, ok := scanDefinition(text)
	if !ok {
		d = monitor.Definition{}
		err = json.Unmarshal(text, &d)
	}
	return d, err
}

// scanDefinition reads what the timeline writes. Not ok for what is written in another way.
func scanDefinition(text []byte) (d monitor.Definition, ok bool) {
	s := jsonscan.New(text)
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "id":
			number, d.ID = 1, s.Text()
		case "name":
			number, d.Name = 2, s.Text(d.ID)
		case "service":
			number, d.Service = 3, s.Text()
		case "kind":
			number, d.Kind = 4, s.Text("http", "dns")
		case "target":
			number, d.Target = 5, s.Text()
		case "options":
			number, d.Options = 6, bytes.Clone(s.Raw())
		case "assertions":
			number, d.Assertions = 7, scanTexts(s)
		case "interval":
			number, d.Interval = 8, scanDuration(s)
		case "cron":
			number, d.Cron = 9, s.Text()
		case "time_zone":
			number, d.TimeZone = 10, s.Text()
		case "grace":
			number, d.Grace = 11, scanDuration(s)
		case "stale_after":
			number, d.StaleAfter = 12, scanDuration(s)
		case "timeout":
			number, d.Timeout = 13, scanDuration(s)
		case "retries":
			number, d.Retries = 14, s.Integer()
		case "retry_delay":
			number, d.RetryDelay = 15, scanDuration(s)
		case "failure_threshold":
			number, d.FailureThreshold = 16, s.Integer()
		case "success_threshold":
			number, d.SuccessThreshold = 17, s.Integer()
		case "degraded_after":
			number, d.DegradedAfter = 18, scanDuration(s)
		case "invert":
			number, d.Invert = 19, s.Boolean()
		case "locations":
			number, d.Locations = 20, scanTexts(s, monitor.DefaultLocation)
		case "quorum":
			number, d.Quorum = 21, s.Integer()
		case "labels":
			number, d.Labels = 22, scanLabels(s)
		case "paused":
			number, d.Paused = 23, s.Boolean()
		}
		return number
	})
	return d, s.Whole()
}

// scanStanding reads what writeStanding writes: a board of the past reads one of each check. Not ok for what
// is written in another way.
func scanStanding(body []byte) (one standing, ok bool) {
	s := jsonscan.New(body)
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "revision":
			number, one.Revision = 1, s.Unsigned()
		case "status":
			number, one.Status = 2, monitor.Status(s.Text(string(monitor.StatusUp)))
		case "status_since":
			number, one.StatusSince = 3, s.Time()
		case "created_at":
			number, one.CreatedAt = 4, s.Time()
		case "updated_at":
			number, one.UpdatedAt = 5, s.Time()
		case "decided_at":
			number, one.DecidedAt = 6, scanPosition(s)
		case "incident":
			number, one.Incident = 7, s.Text()
		case "reason":
			number, one.Reason = 8, s.Text()
		case "pending":
			number, one.Pending = 9, s.Boolean()
		case "sequence":
			number, one.Sequence = 10, s.Unsigned()
		}
		return number
	})
	return one, s.Whole()
}

func scanPosition(s *jsonscan.Scanner) (p monitor.Position) {
	s.Object(func(key []byte) (number int) {
		switch string(key) {
		case "sequence":
			number, p.Sequence = 1, s.Unsigned()
		case "index":
			number, p.Index = 2, s.Integer()
		}
		return number
	})
	return p
}

func scanTexts(s *jsonscan.Scanner, like ...string) []string {
	texts := make([]string, 0, 1)
	s.Array(func() { texts = append(texts, s.Text(like...)) })
	return texts
}

func scanLabels(s *jsonscan.Scanner) map[string]string {
	labels := make(map[string]string)
	s.Object(func(key []byte) int {
		name := string(key)
		labels[name] = s.Text()
		return len(labels)
	})
	return labels
}

func scanDuration(s *jsonscan.Scanner) (d monitor.Duration) {
	if d.UnmarshalText([]byte(s.Text())) != nil {
		s.Refuse()
	}
	return d
}
