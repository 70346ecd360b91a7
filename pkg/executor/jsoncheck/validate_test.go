package jsoncheck

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidationEndsWithItsContext(t *testing.T) {
	s, problem := compileSchema(`{"items":{"items":{"type":"number"}}}`)
	require.Empty(t, problem)
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	document := []any{[]any{1.0, 2.0}, []any{3.0}}
	require.ErrorIs(t, s.violation(ended, document), context.Canceled, "in the middle, as a rule was evaluated")

	s.turn <- struct{}{} // another has the turn
	require.ErrorIs(t, s.violation(ended, document), context.Canceled, "while it waits")
	<-s.turn

	require.NoError(t, s.violation(t.Context(), document), "and the next one goes on")
	require.ErrorContains(t, s.violation(t.Context(), []any{[]any{"x"}}), "at /0/0: got string, want number")
}

func TestDraftsAreWatchedAlike(t *testing.T) {
	alternatives := strings.Repeat(`{"const":1},`, 100) + `{"const":2}`
	document := make([]any, 100)
	for i := range document {
		document[i] = 0.0
	}
	for _, draft := range []string{"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"} {
		s, problem := compileSchema(`{"$schema":"` + draft + `","items":{"anyOf":[` + alternatives + `]}}`)
		require.Empty(t, problem, draft)
		require.ErrorIs(t, s.violation(t.Context(), document), errTooMuch, draft)
	}
}
