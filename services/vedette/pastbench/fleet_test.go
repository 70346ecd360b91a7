package pastbench_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// What was: ten thousand checks over ninety days. Each failed twelve times and was edited twice. A
// thousand of them, the fleet, are executed every 30 s, and their results of the last days are kept; of
// the others, every 5 min, only the events are. The fleet is fifty times the same twenty models, since
// folding 86 million results that differ takes half an hour; what is read is as much.
const (
	checkCount = 10_000
	fleetCount = 1_000
	models     = 20
	others     = 90
	eventDays  = 90
	resultDays = 30
	outages    = 12
	edits      = 2

	fleetInterval = 30 * time.Second
	otherInterval = 5 * time.Minute
	// storedAfter is how long after it finished a result was stored, decidedAfter how long after that
	// what it led to.
	storedAfter  = 20 * time.Millisecond
	decidedAfter = 3 * time.Millisecond
	// firstPosition is where the kept results begin in their log; perMessage is how many share a message.
	firstPosition = 1_000_000
	perMessage    = 2
	// leadIn is how long before the days that are asked about the kept results begin.
	leadIn = 2 * time.Hour
)

const failure = "unexpected status 503 Service Unavailable"

// fleet is what was, as numbers from which events and results are made.
type fleet struct {
	begin, end time.Time
	checks     []subject
}

// subject is a check with the executions at which it began to fail and to succeed again, in turn.
type subject struct {
	definition monitor.Definition
	first      time.Time
	turns      []int
	// rank is its place among those of the fleet that are due within an interval.
	rank int
}

func newFleet(end time.Time) *fleet {
	f := &fleet{begin: end.Add(-eventDays * 24 * time.Hour), end: end, checks: make([]subject, checkCount)}
	for i := range f.checks {
		s := &f.checks[i]
		s.definition = definition(i)
		timetable, err := monitor.NewTimetable(s.definition)
		if err != nil {
			panic(err)
		}
		s.first = timetable.Next(f.begin)
		s.turns = turns(i, int(end.Sub(s.first)/s.interval()))
		s.rank = i * fleetCount / models
	}
	for i := models; i < fleetCount; i++ {
		s, model := &f.checks[i], f.checks[i%models]
		s.first, s.turns, s.rank = model.first, model.turns, model.rank
	}
	return f
}

func definition(i int) monitor.Definition {
	d := monitor.Definition{
		ID: fmt.Sprintf("check-%05d", i), Name: fmt.Sprintf("Check %d of the region", i), Service: fmt.Sprint("service-", i%others),
		Kind: "http", Target: fmt.Sprintf("https://host-%d.example.org/health", i), Interval: monitor.Duration(otherInterval),
		Assertions: []string{"status == 200", "latency_ms < 800.0"}, Labels: map[string]string{"team": fmt.Sprint("team-", i%20), "env": "production"},
	}
	if i < fleetCount {
		d.Service, d.Interval = "fleet", monitor.Duration(fleetInterval)
	}
	return d.WithDefaults()
}

// turns draws when a check fails and succeeds again: most outages are short, and one of three is a blip of
// one execution.
func turns(i, executions int) []int {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	slot := executions / outages
	all := make([]int, 0, 2*outages)
	for n := range outages {
		length := 1
		if random.IntN(3) > 0 {
			length += random.IntN(min(60, slot/4))
		}
		from := n*slot + 2 + random.IntN(slot/2)
		all = append(all, from, from+length)
	}
	return all
}

func (s *subject) interval() time.Duration { return s.definition.Interval.Std() }

// failing reports whether an execution fails.
func (s *subject) failing(execution int) bool {
	turn, exact := slices.BinarySearch(s.turns, execution)
	if exact {
		turn++
	}
	return turn%2 == 1
}

func (s *subject) due(execution int) time.Time {
	return s.first.Add(time.Duration(execution) * s.interval())
}

// latency is some tens of milliseconds, another for each execution.
func (s *subject) latency(execution int) time.Duration {
	x := uint64(execution+1)*0x9e3779b97f4a7c15 + uint64(s.rank)<<32
	return 18*time.Millisecond + time.Duration((x>>40)%40_000)*time.Microsecond
}

// finished is when an execution was, to the microsecond, which is what results are told in.
func (s *subject) finished(execution int) time.Time {
	return s.due(execution).Add(time.Millisecond + s.latency(execution))
}

// kept is the execution with which the kept results of the fleet begin.
func (f *fleet) kept() int {
	return int(f.end.Add(-resultDays*24*time.Hour-leadIn).Sub(f.begin) / fleetInterval)
}

// position is the place of a kept result.
func (f *fleet) position(s *subject, execution int) monitor.Position {
	n := (execution-f.kept())*fleetCount + s.rank
	return monitor.Position{Sequence: firstPosition + uint64(n/perMessage), Index: n % perMessage}
}

// act is something that happened to a check.
type act struct {
	at    time.Time
	check int
	// execution is the one that decided; -1 for an edit.
	execution int
}

// acts are all of them, in order.
func (f *fleet) acts() []act {
	all := make([]act, 0, checkCount*(2*outages+edits+1))
	for i := range f.checks {
		s := &f.checks[i]
		for _, execution := range append([]int{0}, s.turns...) {
			all = append(all, act{s.finished(execution).Add(storedAfter + decidedAfter), i, execution})
		}
		for n := range edits { // before the results that are kept, whose revision is the last
			all = append(all, act{f.begin.Add(time.Duration(15+20*n)*24*time.Hour + time.Duration(i)*time.Second), i, -1})
		}
	}
	slices.SortStableFunc(all, func(x, y act) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.check, y.check)) })
	return all
}
