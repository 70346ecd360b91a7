package readmodel

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestABoardIsFollowedByWhatChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("home"), registered("shop"))
		f := p.read().FollowBoard()
		first := f.Next()
		require.Len(t, first.Checks, 2)
		require.Equal(t, "home", first.Checks[0].ID)
		require.Len(t, first.Services, 1)
		require.EqualValues(t, 3, first.Sequence)
		nothing := f.Next()
		require.True(t, nothing.Empty())

		// A result is told in short.
		p.result(executed("home", 1, success, 41.678))
		synctest.Wait()
		beats := f.Next()
		require.Empty(t, beats.Checks)
		require.Equal(t, []string{"home"}, []string{beats.Beats[0].ID})
		text, err := json.Marshal(beats.Beats)
		require.NoError(t, err)
		require.JSONEq(t, `[["home","U",41.6,1,1]]`, string(text))

		// What was found, and a status, is a row.
		bad := executed("shop", 1, failure, 5)
		bad.Observed = map[string]any{"status": 503}
		p.result(bad)
		p.event(turned("shop", monitor.StatusUnknown, monitor.StatusDown),
			monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: time.Now().UTC()}, monitor.CheckDeleted{CheckID: "home", Service: "web"}, registered("cart"), service("api"))
		synctest.Wait()
		change := f.Next()
		require.Equal(t, []string{"home"}, change.GoneChecks)
		require.Empty(t, change.Beats)
		require.Len(t, change.Checks, 2)
		require.Equal(t, "cart", change.Checks[0].ID)
		shop := change.Checks[1]
		require.Equal(t, monitor.StatusDown, shop.Status)
		require.Equal(t, "503", shop.Finding)
		require.Equal(t, "D", shop.Recent)
		require.Zero(t, *shop.Uptime)
		require.Equal(t, []string{"api", "web"}, []string{change.Services[0].ID, change.Services[1].ID})

		// Silence changes a status without an event.
		time.Sleep(2*every + 11*time.Second)
		silent := f.Next()
		require.Len(t, silent.Checks, 1)
		require.Equal(t, monitor.StatusUnknown, silent.Checks[0].Status)
		require.Len(t, silent.Services, 1)

		p.event(monitor.ServiceDeleted{ServiceID: "api"})
		synctest.Wait()
		gone := f.Next()
		require.Equal(t, []string{"api"}, gone.GoneServices)

		// Whoever follows knows what whoever asks is answered.
		now, err := f.reader.Board(t.Context())
		require.NoError(t, err)
		known := f.Board()
		known.At = now.At
		require.Equal(t, now, known)
	})
}

func TestLettersAreAppendedToABar(t *testing.T) {
	full := ""
	for range RecentLength {
		full += "U"
	}
	for _, c := range []struct {
		before, after, letters string
		ok                     bool
	}{
		{"", "", "", true},
		{"", "UD", "UD", true},
		{"UD", "UDG", "G", true},
		{full, full, "", true},
		{full, full[1:] + "D", "D", true},
		{full, full[2:] + "D-", "D-", true},
		{"UUD", "UU", "", false},
		{"D", full, full, true},
	} {
		letters, ok := appended(c.before, c.after)
		require.Equal(t, c.ok, ok, "%s → %s", c.before, c.after)
		require.Equal(t, c.letters, letters, "%s → %s", c.before, c.after)
	}
}
