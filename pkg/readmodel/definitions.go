package readmodel

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"

	"github.com/vedette/vedette/pkg/jsonscan"
	"github.com/vedette/vedette/pkg/monitor"
)

// keptDefinitions is how many definitions are kept read for certain, a kilobyte or two each; at most
// twice as many are.
const keptDefinitions = 30_000

// definition is that of a check with what a board computes of it.
type definition struct {
	monitor.Definition
	// text is what a query is searched for in, name the name by which it is sorted.
	text, name string
}

func newDefinition(d monitor.Definition) *definition {
	return &definition{Definition: d, name: strings.ToLower(d.Name), text: haystack(d.Labels, d.ID, d.Name, d.Target)}
}

// definitions are definitions of checks as read from the timeline, by their text. From one instant to
// another hardly any differ, and reading them is most of what a board of the past takes. Its zero value is
// ready for use, by several goroutines.
type definitions struct {
	mu sync.RWMutex
	// recent are those last asked for, former those asked for before recent was full.
	recent, former map[string]*definition
}

// of reads a definition. It is shared, and must not be changed.
func (d *definitions) of(text []byte) (*definition, error) {
	d.mu.RLock()
	known, recent := d.recent[string(text)]
	if !recent {
		known = d.former[string(text)]
	}
	d.mu.RUnlock()
	if recent {
		return known, nil
	}
	if known == nil {
		fresh, err := readDefinition(text)
		if err != nil {
			return nil, err
		}
		known = newDefinition(fresh)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.recent == nil || len(d.recent) >= keptDefinitions {
		d.recent, d.former = make(map[string]*definition), d.recent
	}
	d.recent[string(text)] = known
	return known, nil
}

// check reads how a check stood.
func (d *definitions) check(text, body []byte) (*checkState, error) {
	known, err := d.of(text)
	if err != nil {
		return nil, err
	}
	entry := &checkEntry{}
	entry.Definition = known.Definition
	if err := entry.stand(body); err != nil {
		return nil, err
	}
	return newCheckState(entry, known), nil
}

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
	s.Object(func(key []byte) int {
		if number := scanTarget(s, key, &d); number > 0 {
			return number
		}
		if number := scanSchedule(s, key, &d); number > 0 {
			return number
		}
		return scanVerdict(s, key, &d)
	})
	return d, s.Whole()
}

// scanTarget reads what is checked, and returns the number of the key, 0 for another one.
func scanTarget(s *jsonscan.Scanner, key []byte, d *monitor.Definition) int {
	switch string(key) {
	case "id":
		d.ID = s.Text()
		return 1
	case "name":
		d.Name = s.Text(d.ID)
		return 2
	case "service":
		d.Service = s.Text()
		return 3
	case "kind":
		d.Kind = s.Text("http", "dns")
		return 4
	case "target":
		d.Target = s.Text()
		return 5
	case "options":
		d.Options = bytes.Clone(s.Raw())
		return 6
	case "assertions":
		d.Assertions = scanTexts(s)
		return 7
	}
	return 0
}

// scanSchedule reads when it is checked and how long that may take, as scanTarget does.
func scanSchedule(s *jsonscan.Scanner, key []byte, d *monitor.Definition) int {
	switch string(key) {
	case "interval":
		d.Interval = scanDuration(s)
		return 8
	case "cron":
		d.Cron = s.Text()
		return 9
	case "time_zone":
		d.TimeZone = s.Text()
		return 10
	case "grace":
		d.Grace = scanDuration(s)
		return 11
	case "stale_after":
		d.StaleAfter = scanDuration(s)
		return 12
	case "timeout":
		d.Timeout = scanDuration(s)
		return 13
	case "retries":
		d.Retries = s.Integer()
		return 14
	case "retry_delay":
		d.RetryDelay = scanDuration(s)
		return 15
	}
	return 0
}

// scanVerdict reads what follows from what is found, as scanTarget does.
func scanVerdict(s *jsonscan.Scanner, key []byte, d *monitor.Definition) int {
	switch string(key) {
	case "failure_threshold":
		d.FailureThreshold = s.Integer()
		return 16
	case "success_threshold":
		d.SuccessThreshold = s.Integer()
		return 17
	case "degraded_after":
		d.DegradedAfter = scanDuration(s)
		return 18
	case "invert":
		d.Invert = s.Boolean()
		return 19
	case "locations":
		d.Locations = scanTexts(s, monitor.DefaultLocation)
		return 20
	case "quorum":
		d.Quorum = s.Integer()
		return 21
	case "labels":
		d.Labels = scanLabels(s)
		return 22
	case "paused":
		d.Paused = s.Boolean()
		return 23
	}
	return 0
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
