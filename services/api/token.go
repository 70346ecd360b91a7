package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// HeartbeatAddress is where the heartbeats of a check are sent. It is shown once: only the digest of
// the token is kept.
type HeartbeatAddress struct {
	Token string `json:"token"`
	Path  string `json:"path"`
}

// RegisteredCheck is a check as it is answered to who registered or changed it.
type RegisteredCheck struct {
	readmodel.CheckView
	// Heartbeat is there when a token was made.
	Heartbeat *HeartbeatAddress `json:"heartbeat,omitempty"`
}

// checkToken is POST /checks/{id}/token.
type checkToken struct {
	CheckID
	Writing
	Conditional
}

func addressOf(token string) *HeartbeatAddress {
	return &HeartbeatAddress{Token: token, Path: heartbeatPath + token}
}

// withNewToken completes the definition of a heartbeat check that names no token by a new one.
func withNewToken(d *monitor.Definition) (token string, err error) {
	if !lacksToken(*d) {
		return "", nil
	}
	token = heartbeatcheck.NewToken(d.ID)
	d.Options, err = heartbeatcheck.WithToken(*d, token)
	return token, err
}

// withToken completes it by the one that the check has, where it has one.
func (s *server) withToken(ctx context.Context, d *monitor.Definition) (token string, err error) {
	if !lacksToken(*d) {
		return "", nil
	}
	before, err := s.reads.Check(ctx, d.ID)
	switch {
	case err != nil && !errors.Is(err, monitor.ErrNotFound):
		return "", err
	case err != nil || !before.Pushed() || !heartbeatcheck.HasToken(before.Definition):
		return withNewToken(d)
	}
	d.Options, err = heartbeatcheck.Kept(*d, before.Definition)
	return "", err
}

func lacksToken(d monitor.Definition) bool {
	return d.Pushed() && !heartbeatcheck.HasToken(d) && isObject(d.Options)
}

// isObject reports whether options can be completed; what is wrong with others is told elsewhere.
func isObject(raw json.RawMessage) bool {
	var object map[string]json.RawMessage
	return len(raw) == 0 || json.Unmarshal(raw, &object) == nil
}

// shown adds the address to the answer to a write, where the check really has the token: a repeated
// request is answered by what the first one made.
func shown(token string, w *written, err error) (*written, error) {
	if err != nil {
		return nil, err
	}
	view, ok := w.Body.(readmodel.CheckView)
	if !ok { // it is answered before it is decided
		return w, nil
	}
	answer := RegisteredCheck{CheckView: view}
	if token != "" && heartbeatcheck.Matches(view.Definition, token) {
		answer.Heartbeat = addressOf(token)
	}
	w.Body = answer
	return w, nil
}

// newToken gives a heartbeat check another token.
func (s *server) newToken(ctx context.Context, in *checkToken) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	check, err := s.currentCheck(ctx, in.ID, expected)
	if err != nil {
		return nil, err
	}
	if !check.Pushed() {
		return nil, invalidField("kind", "%s has no token: only checks of kind heartbeat have", check.Kind)
	}
	token := heartbeatcheck.NewToken(in.ID)
	d := check.Definition
	if d.Options, err = heartbeatcheck.WithToken(d, token); err != nil {
		return nil, err
	}
	command := monitor.UpdateCheck{Definition: d, ExpectedRevision: check.Revision}
	if expected != 0 {
		command.ExpectedRevision = expected
	}
	done, err := s.send(ctx, in.Writing, command)
	answer, err := s.checkAnswer(ctx, http.StatusOK, in.ID, &d, done, err)
	return shown(token, answer, err)
}
