package readmodel

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestHistoryNewestFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("home"), registered("quiet"))
		r := p.read()
		const kept, given = keptChunks * chunkSize, keptChunks*chunkSize + 200
		started := time.Now()
		for some := range 10 {
			var results []monitor.Result
			for i := range given / 10 {
				outcome := success
				if i%100 == 0 {
					outcome = failure
				}
				results = append(results, executed("home", some*given/10+i, outcome, 5))
				time.Sleep(every)
			}
			p.result(results...)
		}
		synctest.Wait()
		first, err := r.Results(t.Context(), "home", ResultQuery{})
		require.NoError(t, err)
		require.Len(t, first.Items, defaultLimit)
		require.Equal(t, fmt.Sprint("home.", given-1), first.Items[0].ID)
		require.InDelta(t, kept, first.Total, chunkSize)

		n, query := given, ResultQuery{Limit: 1000}
		for {
			page, err := r.Results(t.Context(), "home", query)
			require.NoError(t, err)
			for _, item := range page.Items {
				n--
				require.Equal(t, fmt.Sprint("home.", n), item.ID)
			}
			if page.NextCursor == "" {
				require.Equal(t, given-n, page.Total)
				break
			}
			query.Cursor = page.NextCursor
		}

		failures, err := r.Results(t.Context(), "home", ResultQuery{Outcomes: []monitor.Outcome{failure}, Limit: 3})
		require.NoError(t, err)
		require.Len(t, failures.Items, 3)
		require.InDelta(t, kept/100, failures.Total, 10)
		next, err := r.Results(t.Context(), "home", ResultQuery{Outcomes: []monitor.Outcome{failure}, Limit: 3, Cursor: failures.NextCursor})
		require.NoError(t, err)
		require.True(t, next.Items[0].DueAt.Before(failures.Items[2].DueAt))
		require.Equal(t, failures.Total, next.Total)
		_, err = r.Results(t.Context(), "home", ResultQuery{Cursor: failures.NextCursor})
		require.ErrorIs(t, err, ErrCursor)

		from, to := started.Add(5000*every), started.Add(5010*every)
		window, err := r.Results(t.Context(), "home", ResultQuery{From: from, To: to})
		require.NoError(t, err)
		require.Equal(t, 10, window.Total)
		require.Equal(t, "home.5009", window.Items[0].ID)
		require.Equal(t, "home.5000", window.Items[9].ID)

		none, err := r.Results(t.Context(), "quiet", ResultQuery{})
		require.NoError(t, err)
		require.Empty(t, none.Items)
		require.NotNil(t, none.Items)
		for _, bad := range []ResultQuery{{Limit: 5000}, {Outcomes: []monitor.Outcome{"odd"}}, {From: to, To: from}} {
			_, err = r.Results(t.Context(), "home", bad)
			require.ErrorIs(t, err, ErrQuery)
		}
	})
}
