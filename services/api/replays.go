package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	whatif "github.com/vedette/vedette/pkg/replay/answer"
)

const (
	// maxReplays bounds the replays at work: each reads both logs.
	maxReplays = 2
	// replayWait bounds one whose client is told nothing before the end.
	replayWait = time.Minute
)

type replayRun struct {
	Payload payload
}

// ReplayQuestion is what is asked of a past range.
type ReplayQuestion struct {
	Service string        `json:"service,omitempty"`
	Check   string        `json:"check,omitempty"`
	From    string        `json:"from"`
	To      string        `json:"to,omitempty"`
	Set     replay.Change `json:"set"`
}

func (s *server) replayRoutes(d *document) {
	register(d, operation{
		id: "replay", method: http.MethodPost, path: "/replays", tag: tagReplays, summary: "Ask what another policy would have decided",
		description: "Folds the recorded results of a service's checks, or of one check, under a changed policy, by the code that decides in " +
			"production, as if the policy had been changed at `from`. Nothing is written.\n\n" +
			"`set` takes `failure_threshold`, `success_threshold`, `degraded_after`, `quorum`, `invert`, `stale_after`, `assertions`, " +
			"`maintenance` (when what goes down opens no incident) and, for a service, `rollup`. What was not recorded cannot be replayed: another `interval` or `target` is refused with the reason. `from` and `to` " +
			"are times, or spans back from now such as `-24h`; `to` is now without one.\n\n" +
			"With `Accept: text/event-stream` the answer is a stream: `progress` with how far the logs have been read, then one `report`, " +
			"or one `problem`. Closing the stream ends the replay. Without it the answer comes within a minute or not at all.",
		answer: exampleReport(), body: exampleQuestion(),
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusGatewayTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.replay)
	op := d.api.OpenAPI().Paths[base+"/replays"].Post
	op.Responses["200"].Content["text/event-stream"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: exampleReplayStream}
}

// question reads and checks what is asked.
func (s *server) question(raw []byte) (q replay.Question, err error) {
	object, err := parseObject(raw)
	if err != nil {
		return q, err
	}
	var asked struct {
		Service string                     `json:"service"`
		Check   string                     `json:"check"`
		From    string                     `json:"from"`
		To      string                     `json:"to"`
		Set     map[string]json.RawMessage `json:"set"`
	}
	problems := decodeFields(object, &asked)
	q = replay.Question{Service: asked.Service, Check: asked.Check, Asked: s.now()}
	var more monitor.Problems
	q.From, more = instant(more, "from", asked.From, time.Time{}, q.Asked)
	q.To, more = instant(more, "to", asked.To, q.Asked, q.Asked)
	var unset monitor.Problems
	q.Change, unset = replay.ParseChange(asked.Set)
	problems = append(append(problems, more...), unset...)
	problems = append(problems, without(q.Validate(), append(problems, unset...))...)
	return q, problems.Err()
}

// instant reads a time, or a span back from now.
func instant(p monitor.Problems, field, text string, absent, now time.Time) (time.Time, monitor.Problems) {
	if text == "" {
		return absent, p
	}
	if span, err := parseSpan(text); err == nil && span <= 0 {
		return now.Add(span), p
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		p.Add(field, "%.80q is no time: write one such as 2026-03-14T09:00:00Z, or a span back from now such as -24h", text)
	}
	return at, p
}

// parseSpan reads a duration, which may be in days.
func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

func (s *server) replay(ctx context.Context, in *replayRun) (*answer, error) {
	q, err := s.question(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	release, err := s.takeReplay()
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, replayWait)
	defer cancel()
	report, err := s.whatIf(ctx, q, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, problem(http.StatusGatewayTimeout, "replay", "the replay was not done within %s: ask for a shorter range, or with Accept: text/event-stream", replayWait)
	}
	if err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusOK, Body: report}, nil
}

func (s *server) takeReplay() (release func(), err error) {
	release, ok := s.replays.take()
	if !ok {
		return nil, problem(http.StatusTooManyRequests, "busy", "%d replays are at work, as many as this server takes: try again", maxReplays).after(5 * time.Second)
	}
	return release, nil
}

func (s *server) whatIf(ctx context.Context, q replay.Question, progress func(whatif.Progress)) (replay.Report, error) {
	started := time.Now()
	opt := whatif.Options{Progress: progress, Now: s.now, History: histories{s}, Past: pastOf{s.reads}}
	report, err := whatif.WhatIf(ctx, s.bus, q, s.opt.Table.Assessor(ctx), opt)
	if err == nil {
		s.log.Info("a past range was replayed", "service", q.Service, "check", q.Check, "from", q.From, "to", q.To,
			"checks", len(report.Checks), "results", report.Results, "source", report.Source, "took", time.Since(started))
	}
	return report, err
}

// pastReader reads the history of one check.
type pastReader interface {
	// Past is readmodel.Reader's.
	Past(ctx context.Context, checkID string, since time.Time, each func(monitor.Result)) (whole bool, err error)
}

// histories are those of the read model.
type histories struct{ server *server }

// Reached implements whatif.History.
func (h histories) Reached() uint64 {
	for _, p := range h.server.reads.Projections() {
		if p.Name == "history" && !p.Rebuilding {
			return p.Results
		}
	}
	return 0
}

// Past implements whatif.History.
func (h histories) Past(ctx context.Context, checkID string, since time.Time, each func(monitor.Result)) (whole bool, err error) {
	return h.server.past.Past(ctx, checkID, since, each)
}

func exampleQuestion() ReplayQuestion {
	threshold, quorum := 3, 2
	return ReplayQuestion{Service: "web", From: "-24h", Set: replay.Change{FailureThreshold: &threshold, Quorum: &quorum}}
}

func exampleReport() replay.Report {
	at := exampleTime
	early, late := int64(0), int64(60_000)
	happened := &replay.Incident{OpenedAt: at(-2 * time.Hour), ResolvedAt: at(-time.Hour), Cause: "status == 200 · actual 503", Resolution: "recovered", DetectionMS: &early}
	would := *happened
	would.OpenedAt, would.DetectionMS = would.OpenedAt.Add(time.Minute), &late
	sums := replay.Sums{Incidents: 1, Alerts: 2, StatusChanges: 2, DownMS: 3_600_000}
	less := replay.Sums{Incidents: 1, Alerts: 2, StatusChanges: 2, DownMS: 3_540_000, DetectionMS: 60_000, SlowestDetectionMS: 60_000}
	both := replay.Comparison{Happened: sums, Would: less, Timeline: replay.Timeline{
		Happened: []replay.Span{{Status: monitor.StatusDown, From: happened.OpenedAt, To: happened.ResolvedAt, Reason: happened.Cause}},
		Would:    []replay.Span{{Status: monitor.StatusDown, From: would.OpenedAt, To: would.ResolvedAt, Reason: happened.Cause}},
	}}
	coverage := replay.Coverage{Expected: 2880, Found: 2879, Share: 0.9997}
	return replay.Report{
		Service: "web", From: at(-24 * time.Hour), To: at(0), Set: exampleQuestion().Set, ReplayedFrom: at(-24 * time.Hour), Complete: true, Faithful: true, Source: "results",
		Results: 2879, Coverage: coverage, Happened: sums, Would: less, OfService: &both,
		Incidents: []replay.Difference{{Kind: replay.Moved, CheckID: "home", Happened: happened, Would: &would, LaterMS: 60_000}},
		Checks:    []replay.CheckReport{{ID: "home", Comparison: both, Results: 2879, Coverage: coverage}},
	}
}

const exampleReplayStream = "event: progress\ndata: {\"reading\":\"results\",\"done\":1200,\"total\":2880,\"left_ms\":140}\n\n" +
	"event: report\ndata: {\"service\":\"web\",\"from\":\"2026-03-13T09:26:53Z\",…}\n\n"

func replaySchemas() map[string]string {
	return map[string]string{
		"Change": "A changed policy. What is left out stays as it was.", "Maintenance": "When what goes down opens no incident, until it is over: a span, or spans by a schedule.", "ReplayQuestion": "What is asked of a past range: about a service, or about one check.",
		"Report": "What happened, and what would have happened.", "Comparison": "What became of a service, both ways.",
		"CheckReport": "What became of one check, both ways.", "Timeline": "The spans of status, both ways; 1000 of each at most.",
		"Span": "A time for which a status lasted.", "Sums": "Figures of one check, of a service, or of all checks together.",
		"Incident": "An incident that happened, or would have.", "Difference": "An incident with what would have become of it.",
		"Coverage": "How many executions were expected, and how many of them found anything.",
	}
}

func replayFields() map[string]string {
	return map[string]string{
		"ReplayQuestion.service": "Id of the service asked about.", "ReplayQuestion.check": "Id of the check asked about, instead of a service.",
		"ReplayQuestion.from": "When the range begins: a time, or a span back from now such as `-24h`.", "ReplayQuestion.to": "When it ends, now without one.",
		"set": "What is changed.", "maintenance": "When what goes down opens no incident. What is down when it ends opens one then.",
		"Maintenance.from": "When it begins.", "Maintenance.to": "When it ends.", "Maintenance.cron": "Instead of a span: minute, hour, day, month and weekday at which one begins.",
		"Maintenance.time_zone": "In which `cron` is read: an IANA name, UTC by default.", "Maintenance.duration": "How long each lasts, `1m` to `168h`. With `cron` only.", "Report.service": "Id of the service.", "Report.check": "Id of the check.",
		"Report.from": "When the range begins.", "Report.to": "When it ends.", "replayed_from": "From when on results are kept, where that is later than `from`.",
		"Report.source": "Where the results were read: `traces`, what is kept of each in few bytes, `results`, the log, or `history`, the histories of the checks.",
		"complete":      "Whether results are kept of the whole range.",
		"faithful":      "Whether the same fold under the recorded policy gives what was recorded.", "deviating": "The checks for which it does not, 100 at most.",
		"notes": "What is to be known about the answer.", "Report.results": "How many results were folded.", "CheckReport.results": "How many results were folded.",
		"regraded":        "How many results would have had another outcome.",
		"not_replayable":  "How many results did not keep what an assertion needs: their recorded outcome stands.",
		"unretried":       "How many results became failures where another attempt would have been made, of which nothing is known.",
		"Report.coverage": "How much of what was expected ran and found something.", "CheckReport.coverage": "How much of what was expected ran and found something.", "Report.incidents": "Every incident of either side.",
		"happened": "What happened.", "would": "What would have happened.", "of_service": "The service's own status; absent when one check was asked about.",
		"Report.checks": "Each check.", "CheckReport.id": "Id of the check.", "unchanged": "Why the change was not applied to this check.",
		"unsettled": "Whether the results before the range leave open how the check stood.", "timeline": "The statuses.", "left_out": "Spans beyond 1000.",
		"Span.status": "The status.", "Span.from": "When it began.", "Span.to": "When it ended.", "Span.reason": "Why.",
		"Sums.incidents": "Incidents opened within the range.", "alerts": "Openings and resolutions of incidents.", "status_changes": "Changes of status.",
		"down_ms": "Time down in milliseconds.", "degraded_ms": "Time degraded in milliseconds.", "unknown_ms": "Time unknown in milliseconds, never counted as down.",
		"Sums.detection_ms":     "Mean time in milliseconds from a first failing result to the opening of its incident; 0 without incidents.",
		"slowest_detection_ms":  "The longest such time.",
		"Incident.detection_ms": "Milliseconds from the first failing result to the opening; absent where that is not known.",
		"carried":               "Whether it was open when the range began.",
		"Difference.kind":       "`kept`: the same; `moved`: at other times; `gained`: in addition; `lost`: not at all.", "later_ms": "By how many milliseconds it would have been opened later; negative is earlier.",
		"Coverage.expected": "Executions expected.", "found": "Those that found something.", "share": "Found by expected.",
	}
}
