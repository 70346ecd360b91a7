package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// frameOf reads the next frame of a board's stream into v and returns its kind.
func (f *feed) frameOf(v any) (kind string) {
	f.t.Helper()
	for {
		line, err := f.lines.ReadString('\n')
		require.NoError(f.t, err)
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			kind = strings.TrimSpace(name)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(f.t, json.Unmarshal([]byte(data), v))
			return kind
		}
	}
}

func TestTheBoardIsReadAsAWhole(t *testing.T) {
	w := newWorld(t)
	w.service()
	for _, id := range []string{"shop", "home"} {
		w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck(id))
	}
	var board readmodel.Board
	w.want(http.StatusOK, http.MethodGet, "/api/v1/board", nil).into(t, &board)
	require.Equal(t, "home", board.Checks[0].ID)
	require.Equal(t, "shop", board.Checks[1].ID)
	require.True(t, board.Checks[1].Pending)
	require.Equal(t, "web", board.Services[0].ID)
	require.EqualValues(t, 3, board.Sequence)
}

func TestTheStreamOfTheBoardBeginsWithAllOfIt(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	first := w.followAt("/api/v1/board/stream")
	var board readmodel.Board
	require.Equal(t, "board", first.frameOf(&board))
	require.Len(t, board.Checks, 1)

	// A change reaches all viewers, and who comes later begins with it.
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/pause", nil)
	var change readmodel.BoardChange
	for len(change.Checks) == 0 || !change.Checks[0].Paused {
		change = readmodel.BoardChange{}
		var raw json.RawMessage
		require.Equal(t, "change", first.frameOf(&raw))
		require.NoError(t, json.Unmarshal(raw, &change))
	}
	require.Equal(t, monitor.StatusPaused, change.Checks[0].Status)
	second := w.followAt("/api/v1/board/stream")
	require.Equal(t, "board", second.frameOf(&board))
	require.True(t, board.Checks[0].Paused)

	// When all have left nobody looks any more, and whoever comes then begins anew.
	first.close()
	second.close()
	third := w.followAt("/api/v1/board/stream")
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/checks/home", nil)
	require.Equal(t, "board", third.frameOf(&board))
	for len(change.GoneChecks) == 0 {
		change = readmodel.BoardChange{}
		require.Equal(t, "change", third.frameOf(&change))
	}
	require.Equal(t, []string{"home"}, change.GoneChecks)
	require.Equal(t, http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/board/stream?check=home", nil).status)
}

func TestAViewerThatTakesTooLittleIsDropped(t *testing.T) {
	dropped := 0
	v := newViewer(func() { dropped++ })
	for range maxFrames {
		v.offer([]byte("x"))
	}
	require.Zero(t, dropped)
	v.offer([]byte("x"))
	v.offer([]byte("x"))
	require.Equal(t, 1, dropped)
	frames, gone := v.take()
	require.True(t, gone)
	require.Empty(t, frames)
}

func TestTheBoardOfThePastIsReadAsAWhole(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	then := time.Now().UTC().Format(time.RFC3339Nano)
	w.find(found(1))
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("shop"))
	var board readmodel.Board
	w.want(http.StatusOK, http.MethodGet, "/api/v1/board?at="+then, nil).into(t, &board)
	require.Len(t, board.Checks, 1)
	require.Equal(t, "home", board.Checks[0].ID)
	require.Equal(t, "web", board.Services[0].ID)
	require.EqualValues(t, 2, board.Sequence)
	require.Equal(t, http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/board?at=2999-01-01T00:00:00Z", nil).status)

	var beats readmodel.Page[PastBeat]
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/board/beats?check=home,shop,none", nil).into(t, &beats)
		return len(beats.Items) == 2 && beats.Items[0].Recent == "U"
	}, testWait, testTick)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/board/beats?check=home&at="+then, nil).into(t, &beats)
	require.Empty(t, beats.Items[0].Recent, "what came later is no part of it")
	require.Nil(t, beats.Items[0].Uptime24h, "and without results there is no uptime")
	require.Eventually(t, func() bool {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		w.want(http.StatusOK, http.MethodGet, "/api/v1/board/beats?check=home,none&at="+now, nil).into(t, &beats)
		return len(beats.Items) == 1 && beats.Items[0].Uptime24h != nil
	}, testWait, testTick)
	require.InDelta(t, 1, *beats.Items[0].Uptime24h, 0)
	require.Positive(t, beats.Items[0].Coverage24h)
	require.Equal(t, http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/board/beats?check=NO", nil).status)
	require.Equal(t, http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/board/beats?check="+strings.Repeat("a,", maxBars+1), nil).status)
}
