package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEventsAreListedFromATimeOn(t *testing.T) {
	w := newWorld(t)
	for n := range 10 {
		w.happen(joinedEvent(n))
	}
	w.find(found(1))
	<-time.After(2 * time.Millisecond) // the clock of storing moves on
	at := time.Now().UTC().Format(time.RFC3339Nano)
	for n := range 3 {
		w.happen(joinedEvent(10 + n))
	}
	w.find(found(2))
	on, _ := w.pages("limit=2&from=" + at)
	require.Equal(t, []string{"runner/runner-10", "runner/runner-11", "runner/runner-12"}, on)
	on, _ = w.pages("limit=2&results=true&from=" + at)
	require.Equal(t, []string{"runner/runner-10", "runner/runner-11", "runner/runner-12", "result/home"}, on)
	on, _ = w.pages("results=true&from=-1h")
	require.Len(t, on, 15)
	on, _ = w.pages("from=2999-01-01T00:00:00Z")
	require.Empty(t, on)
	p := w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1/events?from=yesterday", nil).problem(t)
	require.Equal(t, "from", p.Errors[0].Field)
	w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1/events?from=-1h&after=1", nil)
}
