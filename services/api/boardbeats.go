package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// PastBeat is what results told of a check by an instant.
type PastBeat struct {
	ID        string  `json:"id"`
	Recent    string  `json:"recent"`
	LatencyMS float64 `json:"latency_ms,omitempty"`
	Finding   string  `json:"finding,omitempty"`
	// Uptime and coverage of the 24 hours before; nil where not all of them are kept.
	Uptime24h   *float64 `json:"uptime_24h"`
	Coverage24h float64  `json:"coverage_24h"`
}

const (
	// maxBars bounds the checks of one question, beatReads how many are read at a time.
	maxBars   = 60
	beatReads = 4
)

type beatsRead struct {
	Then
	Check []string `query:"check,explode" required:"true" doc:"Ids of the checks, separated by commas, 60 at most." example:"[\"home\"]"`
}

func (s *server) getBeats(ctx context.Context, in *beatsRead) (*answer, error) {
	now := s.now()
	at, problems := instant(nil, "at", in.At, now, now)
	var ids []string
	for _, text := range in.Check {
		ids = append(ids, split(text)...)
	}
	if len(ids) > maxBars {
		problems.Add("check", "%d checks are too many: ask for %d at most", len(ids), maxBars)
	}
	for _, id := range ids {
		if !monitor.ValidID(id) {
			problems.Add("check", "%.80q is no id: use 1 to 64 characters of a-z, 0-9, _ and -", id)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	told, err := s.toldAt(ctx, in.Then, ids)
	if err != nil {
		return nil, err
	}
	beats := make([]*PastBeat, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(beatReads)
	for i, id := range ids {
		group.Go(func() error {
			beat, err := s.beatAt(ctx, id, at)
			if errors.Is(err, monitor.ErrNotFound) {
				return nil
			}
			if day, ok := told[id].Uptime["24h"]; err == nil && ok {
				beat.Uptime24h, beat.Coverage24h = day.Ratio, day.Coverage
			}
			beats[i] = beat
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	page := readmodel.Page[PastBeat]{Items: make([]PastBeat, 0, len(ids))}
	for _, beat := range beats {
		if beat != nil {
			page.Items = append(page.Items, *beat)
		}
	}
	page.Total = len(page.Items)
	return &answer{Status: http.StatusOK, Body: page}, nil
}

// toldAt returns checks as they stood at an instant, by id.
func (s *server) toldAt(ctx context.Context, then Then, ids []string) (map[string]readmodel.CheckView, error) {
	if !then.isPast() { // then the board itself shows all of this
		return nil, nil
	}
	moment, err := s.moment(ctx, then)
	if err != nil {
		return nil, err
	}
	views, err := moment.Told(ctx, ids)
	if err != nil {
		return nil, err
	}
	told := make(map[string]readmodel.CheckView, len(views))
	for _, v := range views {
		told[v.ID] = v
	}
	return told, nil
}

func (s *server) beatAt(ctx context.Context, id string, at time.Time) (*PastBeat, error) {
	results, err := s.reads.Results(ctx, id, readmodel.ResultQuery{To: at, Limit: readmodel.RecentLength})
	if err != nil {
		return nil, err
	}
	beat := &PastBeat{ID: id}
	letters := make([]byte, len(results.Items))
	for i, result := range results.Items { // newest first
		letters[len(letters)-1-i] = result.Outcome.Letter()
	}
	beat.Recent = string(letters)
	if len(results.Items) > 0 {
		last := results.Items[0]
		beat.LatencyMS, beat.Finding = last.DurationMS, readmodel.Finding(&last)
	}
	return beat, nil
}

func exampleBeat() PastBeat {
	uptime := 0.9993
	return PastBeat{ID: "home", Recent: "UUUGUU", LatencyMS: 41.7, Uptime24h: &uptime, Coverage24h: 1}
}
