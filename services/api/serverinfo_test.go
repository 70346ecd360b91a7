package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheServerSaysWhatItIs(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxStreams = 7 })
	w.happen(joinedEvent(1), joinedEvent(2))
	w.find(found(1))
	var info ServerInfo
	w.want(http.StatusOK, http.MethodGet, "/api/v1/server", nil).into(t, &info)
	require.Equal(t, "0.0.0", info.Version)
	require.False(t, info.StartedAt.IsZero())
	require.False(t, info.TokenWanted)
	require.EqualValues(t, 2, info.Events)
	require.EqualValues(t, 1, info.Results)
	require.Equal(t, 7, info.Limits.Streams)
	require.Equal(t, DefaultWrites, info.Limits.Writes)
}
