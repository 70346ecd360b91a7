package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnInstantIsSettledWhenTheTimelineHasComeToWhereTheLogThenEnded(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	end, known, away := uint64(7), uint64(6), error(nil)
	h := &horizon{
		now: func() time.Time { return now }, knows: func(sequence uint64) bool { return known >= sequence },
		last: func(context.Context) (uint64, error) { return end, away },
	}
	old := now.Add(-time.Minute)
	require.False(t, h.settled(t.Context(), old), "one event is not known yet")
	end, known, now = 9, 7, now.Add(time.Second)
	require.True(t, h.settled(t.Context(), old), "the log goes on, but that one is")
	require.False(t, h.settled(t.Context(), now.Add(-settledAfter)), "it may be written still")
	known = 9
	require.False(t, h.settled(t.Context(), now.Add(time.Hour)))
	now = now.Add(time.Minute)
	away = errors.New("the server is away")
	require.False(t, h.settled(t.Context(), now.Add(-45*time.Second)))
	require.True(t, h.settled(t.Context(), old), "what was settled stays so")
}

func TestWhatCannotChangeMayBeKept(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	caching := func(path string) string {
		return w.want(http.StatusOK, http.MethodGet, "/api/v1"+path, nil).header.Get("Cache-Control")
	}
	old := asOf(time.Now().Add(-time.Hour))
	for _, path := range []string{"/overview?", "/board?", "/services?", "/incidents?"} {
		require.Eventually(t, func() bool { return caching(path+old) == "private, max-age=86400, immutable" }, testWait, testTick, path)
		require.Equal(t, "no-store", caching(path+asOf(time.Now().Add(-time.Second))), "%s: what was decided then may come still", path)
		require.Equal(t, "no-store", caching(path+"at=-1h"), "%s: it names another instant every time", path)
		require.Equal(t, "no-store", caching(path), path)
	}
	require.Equal(t, "no-store", caching("/checks?"+old), "results are kept for a time only")
}
