package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// CorrectionID names a correction in a route.
type CorrectionID struct {
	ID string `path:"id" pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" patternDescription:"1 to 64 characters of a-z, 0-9, _ and -, beginning with a letter or digit" doc:"Id of the correction." example:"home-2026-03-14"`
}

type correctionList struct {
	Listing
	Check    string `query:"check" doc:"Only corrections of this check and of its service." example:"home"`
	Service  string `query:"service" doc:"Only corrections of this service and of its checks." example:"web"`
	Standing string `query:"standing" enum:"true,false" doc:"true for those that stand only, false for withdrawn ones only." example:"true"`
}

type correctionRead struct {
	CorrectionID
	Reading
}

type correctionCreate struct {
	Writing
	Payload payload
}

type correctionWithdrawal struct {
	CorrectionID
	Writing
	Conditional
	Reason string `query:"reason" maxLength:"1000" doc:"Why it is withdrawn; required." example:"The shop was really down."`
}

func (s *server) correctionRoutes(d *document) {
	register(d, operation{
		id: "list-corrections", method: http.MethodGet, path: "/corrections", tag: tagCorrections, summary: "List corrections",
		description: "Of the latest spans first, withdrawn ones too.", errors: []int{http.StatusUnprocessableEntity},
		answer: readmodel.Page[readmodel.CorrectionView]{Items: []readmodel.CorrectionView{exampleCorrection()}, Total: 1},
	}, s.listCorrections)
	register(d, operation{
		id: "add-correction", method: http.MethodPost, path: "/corrections", tag: tagCorrections, summary: "Correct a past span",
		description: "Of a check, or of all checks of a service. What was found in it counts otherwise from now on: as up (`false_positive`), or not at " +
			"all (`maintenance`). Results, statuses and incidents stay as they are. The span is widened to whole minutes. Without an id one is made.",
		status: http.StatusCreated, answer: exampleCorrection(), body: exampleCorrectionDefinition(), errors: writeErrors(http.StatusConflict),
	}, s.addCorrection)
	register(d, operation{
		id: "get-correction", method: http.MethodGet, path: "/corrections/{id}", tag: tagCorrections, summary: "Read a correction",
		description: "Also one that was withdrawn.", answer: exampleCorrection(), errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.getCorrection)
	register(d, operation{
		id: "withdraw-correction", method: http.MethodDelete, path: "/corrections/{id}", tag: tagCorrections, summary: "Withdraw a correction",
		description: "What was found counts again. The correction stays visible, with the reason; to withdraw it once more changes nothing.",
		answer:      exampleCorrection(), errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.withdrawCorrection)
}

func exampleCorrectionDefinition() monitor.CorrectionDefinition {
	return monitor.CorrectionDefinition{
		ID: "home-2026-03-14", Check: "home", From: exampleTime(-time.Hour).Truncate(time.Minute), To: exampleTime(-50 * time.Minute).Truncate(time.Minute),
		Kind: monitor.CorrectionFalsePositive, Reason: "The runner's own network was away.",
	}
}

func exampleCorrection() readmodel.CorrectionView {
	return readmodel.CorrectionView{Added: 1843, Sequence: 1843, Correction: monitor.Correction{
		CorrectionDefinition: exampleCorrectionDefinition(), Revision: 1, AddedAt: exampleTime(0),
	}}
}

func (s *server) listCorrections(ctx context.Context, in *correctionList) (*answer, error) {
	query := readmodel.CorrectionQuery{Check: in.Check, Service: in.Service, Limit: in.Limit, Cursor: in.Cursor}
	if in.Standing != "" {
		standing := in.Standing == "true"
		query.Standing = &standing
	}
	return listed(s.reads.Corrections(ctx, query))
}

func (s *server) getCorrection(ctx context.Context, in *correctionRead) (*written, error) {
	view, err := s.reads.Correction(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if noneMatch(in.IfNoneMatch, view.Revision) {
		return &written{Status: http.StatusNotModified, ETag: etag(view.Revision)}, nil
	}
	return &written{Status: http.StatusOK, ETag: etag(view.Revision), Body: view}, nil
}

func (s *server) addCorrection(ctx context.Context, in *correctionCreate) (*written, error) {
	object, err := parseObject(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	var d monitor.CorrectionDefinition
	problems := decodeFields(object, &d)
	full := d
	if full.ID == "" {
		full.ID = "id" // is made when all else is right
	}
	if err := append(problems, without(full.WithDefaults().Validate(), problems)...).Err(); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s%s %s", d.Check, d.Service, d.From.UTC().Format(time.DateOnly))
	done, id, err := s.register(ctx, in.Writing, d.ID, name, "correction", func(id string) monitor.Command {
		d.ID = id
		return monitor.AddCorrection{Definition: d}
	})
	answer, err := s.correctionAnswer(ctx, http.StatusCreated, id, done, err, func(view *readmodel.CorrectionView) {
		view.CorrectionDefinition, view.AddedAt = d.WithDefaults(), s.now().UTC()
	})
	if err == nil && !done.async {
		answer.Location = base + "/corrections/" + id
	}
	return answer, err
}

func (s *server) withdrawCorrection(ctx context.Context, in *correctionWithdrawal) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, monitor.WithdrawCorrection{CorrectionID: in.ID, Reason: in.Reason, ExpectedRevision: expected})
	return s.correctionAnswer(ctx, http.StatusOK, in.ID, done, err, func(view *readmodel.CorrectionView) {
		view.WithdrawnAt, view.WithdrawnReason = s.now().UTC(), in.Reason
	})
}

// correctionAnswer answers a write with the correction as it is now; where the read model does not show
// it yet, as the write has made it.
func (s *server) correctionAnswer(ctx context.Context, status int, id string, done sent, err error, made func(*readmodel.CorrectionView)) (*written, error) {
	if err != nil {
		return nil, err
	}
	if done.async {
		return accepted(done), nil
	}
	view, err := s.reads.Correction(ctx, id)
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return nil, err
	}
	if view.Revision < done.outcome.Revision {
		view.Revision, view.Sequence = done.outcome.Revision, done.outcome.Sequence
		made(&view)
	} else if err != nil {
		return nil, err
	}
	return &written{Status: status, ETag: etag(view.Revision), Body: view}, nil
}

// correctionFields describes the fields of corrections.
func correctionFields() map[string]string {
	all := map[string]string{
		"IncidentView.corrected_by": "Ids of the corrections that stand of a part of its time.",
		"corrected":                 "The uptime as it was found; absent where no correction made a difference.",
		"Corrected.by":              "Ids of the corrections that made a difference.",
		"Corrected.ratio":           "Share as it was found.",
		"Corrected.up":              "Found up.",
		"Corrected.degraded":        "Found degraded.",
		"Corrected.down":            "Found down.",
		"Corrected.maintenance":     "How many are left out as maintenance.",
	}
	for field, text := range map[string]string{
		"id":               "Chosen by the client, or made from subject and day. That of a withdrawn one is not given again.",
		"check":            "Id of the check that is corrected; instead of `service`.",
		"service":          "Id of the service, all checks of which are corrected; instead of `check`.",
		"from":             "When the span begins, a whole minute: it is cut down to one.",
		"to":               "When it ends, a whole minute: it is cut up to one. What was due then is not within.",
		"kind":             "`maintenance` leaves what was found out of uptime, `false_positive` counts it as up.",
		"reason":           "Why, for those who see it later.",
		"revision":         "1, and 2 when it is withdrawn; it is the ETag.",
		"added_at":         "When it was added: from then on it counts.",
		"added_sequence":   "Place of its event in the events: of several, the last one counts.",
		"withdrawn_at":     "When it was withdrawn; absent while it stands.",
		"withdrawn_reason": "Why it was withdrawn.",
		"sequence":         "Place in the events that this view has reached.",
	} {
		for _, schema := range []string{"CorrectionDefinition.", "CorrectionView."} {
			all[schema+field] = text
		}
	}
	return all
}

func correctionSchemas() map[string]string {
	return map[string]string{
		"CorrectionDefinition": "What is said of a past span of a check or a service.",
		"CorrectionView":       "A correction as it is read.",
		"CorrectionViewPage":   "One page of corrections.",
		"Corrected":            "An uptime as it was found, before corrections.",
	}
}
