package answer

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
)

const (
	// soon is how many messages of RESULTS are read in no time.
	soon = 2000
	// perCheck is how many messages take as long to read as the history of a check.
	perCheck = 2000
	// beyond is after every position that EVENTS may name: histories do not keep theirs.
	beyond = uint64(1) << 62
)

// historyIsCheaper reports whether the histories of the checks are read sooner than a span of RESULTS,
// and what of that was stored since they were written.
func (r *reader) historyIsCheaper(trial *replay.Trial, s span) (since span, ok bool) {
	if r.opt.History == nil || s.length() <= max(soon, uint64(len(trial.Checks()))*perCheck) {
		return since, false
	}
	since = span{r.opt.History.Reached(), s.last}
	return since, since.first > 0 && since.length() <= s.length()/2
}

// fromHistory answers from the histories of the checks, and what was stored since from RESULTS. Not ok
// where they do not reach back far enough, or do not agree with EVENTS.
func (r *reader) fromHistory(ctx context.Context, trial *replay.Trial, since span) (report replay.Report, ok bool, err error) {
	checks := trial.Checks()
	r.cycle = r.opt.Now()
	p := &pasts{trial: trial, due: make(map[[2]string]time.Time)}
	for i, id := range checks {
		r.tell(Progress{Reading: "history", Done: uint64(i), Total: uint64(len(checks))})
		whole, err := r.opt.History.Past(ctx, id, trial.Since(), p.past)
		if err != nil || !whole {
			return report, false, err
		}
		if err := r.rest(ctx); err != nil {
			return report, false, err
		}
	}
	if err := r.read(ctx, since, p.since); err != nil {
		return report, false, err
	}
	report = trial.Report()
	report.Source = "history"
	return report, report.Faithful, nil
}

// pasts gives a trial what is in histories, then what came since.
type pasts struct {
	trial *replay.Trial
	n     uint64
	// due is the latest due time that the history of a check and location had.
	due map[[2]string]time.Time
}

func (p *pasts) past(r monitor.Result) {
	finished := r.FinishedAt()
	if finished.Before(p.trial.Since()) {
		return
	}
	if key := [2]string{r.CheckID, r.Location}; r.DueAt.After(p.due[key]) {
		p.due[key] = r.DueAt
	}
	p.take(monitor.EventMessage{Meta: monitor.Meta{Time: finished, StoredAt: finished}, Event: monitor.Executed(r)})
}

// since takes a result of RESULTS, unless the history had it: it may have been written again
// meanwhile.
func (p *pasts) since(m monitor.EventMessage) {
	r, ok := monitor.ResultOf(m.Event)
	if ok && p.trial.Case(r.CheckID) != nil && r.DueAt.After(p.due[[2]string{r.CheckID, r.Location}]) {
		p.take(m)
	}
}

// take gives each result a place after those before it.
func (p *pasts) take(m monitor.EventMessage) {
	p.n++
	m.Sequence, m.Index = beyond+p.n, 0
	p.trial.Result(m)
}
