package readmodel

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func ids(checks []CheckView) []string {
	all := make([]string, len(checks))
	for i, c := range checks {
		all[i] = c.ID
	}
	return all
}

func TestListsAreFilteredAndSorted(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), service("api"),
			registered("a", func(d *monitor.Definition) { d.Name, d.Labels = "Zebra", map[string]string{"team": "red", "tier": "1"} }),
			registered("b", func(d *monitor.Definition) {
				d.Name, d.Kind, d.Labels = "apple", "dns", map[string]string{"team": "blue"}
			}),
			registered("c", func(d *monitor.Definition) { d.Service = "api" }), registered("d", func(d *monitor.Definition) { d.Paused = true }))
		p.result(executed("a", 1, success, 30), executed("b", 1, failure, 10))
		p.event(turned("a", monitor.StatusUnknown, monitor.StatusUp), turned("b", monitor.StatusUnknown, monitor.StatusDown))
		r := p.read()
		for _, c := range []struct {
			query Query
			want  []string
		}{
			{Query{}, []string{"a", "b", "c", "d"}},
			{Query{Sort: "-id"}, []string{"d", "c", "b", "a"}},
			{Query{Sort: "name"}, []string{"b", "c", "d", "a"}},
			{Query{Sort: "status"}, []string{"b", "a", "c", "d"}},
			{Query{Sort: "-status"}, []string{"d", "c", "a", "b"}},
			{Query{Sort: "latency"}, []string{"b", "a", "c", "d"}},
			{Query{Sort: "-latency"}, []string{"a", "b", "c", "d"}},
			{Query{Sort: "uptime"}, []string{"b", "a", "c", "d"}},
			{Query{Text: "ZEB"}, []string{"a"}},
			{Query{Text: "b.example"}, []string{"b"}},
			{Query{Text: "team=blue"}, []string{"b"}},
			{Query{Statuses: []monitor.Status{"down", "paused"}}, []string{"b", "d"}},
			{Query{Service: "api"}, []string{"c"}},
			{Query{Kind: "dns"}, []string{"b"}},
			{Query{Labels: []string{"team"}}, []string{"a", "b"}},
			{Query{Labels: []string{"team=red", "tier=1"}}, []string{"a"}},
			{Query{Labels: []string{"team=red", "tier=2"}}, []string{}},
		} {
			page, err := r.Checks(t.Context(), c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, ids(page.Items), "%+v", c.query)
			require.Equal(t, len(c.want), page.Total)
			require.Empty(t, page.NextCursor)
		}
		for _, bad := range []Query{{Sort: "colour"}, {Sort: "-"}, {Limit: -1}, {Limit: 1001}, {Statuses: []monitor.Status{"odd"}}, {Labels: []string{"=x"}}} {
			_, err := r.Checks(t.Context(), bad)
			require.ErrorIs(t, err, ErrQuery, "%+v", bad)
		}
		services, err := r.Services(t.Context(), Query{Sort: "-name"})
		require.NoError(t, err)
		require.Equal(t, "web", services.Items[0].ID)
		require.Equal(t, []string{"a", "b", "d"}, services.Items[0].Checks)
		_, err = r.Services(t.Context(), Query{Sort: "latency"})
		require.ErrorIs(t, err, ErrQuery)
		_, err = r.Services(t.Context(), Query{Kind: "dns"})
		require.ErrorIs(t, err, ErrQuery)
	})
}

func TestCursorsHoldWhileTheListChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		for i := range 50 {
			p.event(registered(fmt.Sprintf("c%02d", 2*i)))
		}
		r := p.read()
		for _, sort := range []string{"id", "-id", "name", "-status", "updated_at", "latency"} {
			var got []string
			query := Query{Sort: sort, Limit: 7}
			for n := 0; ; n++ {
				page, err := r.Checks(t.Context(), query)
				require.NoError(t, err)
				got = append(got, ids(page.Items)...)
				if page.NextCursor == "" {
					break
				}
				query.Cursor = page.NextCursor
				// Others come and go: also the one at which the page ended.
				p.event(monitor.CheckDeleted{CheckID: got[len(got)-1]}, registered(fmt.Sprintf("new-%s-%d", sort, n)))
				synctest.Wait()
			}
			slices.Sort(got)
			require.Len(t, slices.Compact(slices.Clone(got)), len(got), "none twice")
			for i := range 50 { // put back what was deleted
				id := fmt.Sprintf("c%02d", 2*i)
				require.Contains(t, got, id, sort)
				if _, err := r.Check(t.Context(), id); errors.Is(err, monitor.ErrNotFound) {
					p.event(registered(id))
				}
			}
			synctest.Wait()
		}
		page, err := r.Checks(t.Context(), Query{Limit: 5})
		require.NoError(t, err)
		for _, query := range []Query{{Cursor: "§"}, {Cursor: "bm9wZQ"}, {Cursor: page.NextCursor, Sort: "name"}, {Cursor: page.NextCursor, Text: "x"}} {
			_, err = r.Checks(t.Context(), query)
			require.ErrorIs(t, err, ErrCursor, "%+v", query)
		}
		_, err = r.Services(t.Context(), Query{Cursor: page.NextCursor})
		require.ErrorIs(t, err, ErrCursor)
	})
}

func TestIncidentsRunnersAndCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		for i := range 5 {
			id := fmt.Sprint("a-", i+1)
			p.event(monitor.IncidentOpened{IncidentID: id, CheckID: "a", Service: "web", OpenedAt: time.Now().UTC(), Cause: "down"})
			if i < 4 {
				p.event(monitor.IncidentResolved{IncidentID: id, CheckID: "a", ResolvedAt: time.Now().UTC(), Resolution: "recovered", DurationMS: 5})
			}
			time.Sleep(time.Minute)
		}
		p.event(monitor.RunnerJoined{RunnerID: "r1", Location: "default", At: time.Now().UTC()}, monitor.RunnerJoined{RunnerID: "r2", At: time.Now().UTC()},
			monitor.RunnerLeft{RunnerID: "r1", Reason: "silent", At: time.Now().UTC()})
		r := p.read()
		page, err := r.Incidents(t.Context(), IncidentQuery{Limit: 2})
		require.NoError(t, err)
		require.Equal(t, 5, page.Total)
		require.Equal(t, "a-5", page.Items[0].ID)
		page, err = r.Incidents(t.Context(), IncidentQuery{Limit: 2, Cursor: page.NextCursor})
		require.NoError(t, err)
		require.Equal(t, "a-3", page.Items[0].ID)
		yes, no := true, false
		for _, c := range []struct {
			query IncidentQuery
			want  int
		}{{IncidentQuery{Open: &yes}, 1}, {IncidentQuery{Open: &no}, 4}, {IncidentQuery{Check: "b"}, 0}, {IncidentQuery{Service: "web"}, 5}} {
			page, err := r.Incidents(t.Context(), c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, page.Total)
		}
		one, err := r.Incident(t.Context(), "a-2")
		require.NoError(t, err)
		require.Equal(t, "recovered", one.Resolution)
		runners, err := r.Runners(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"r2", "r1"}, []string{runners[0].ID, runners[1].ID})
		o, err := r.Overview(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, o.Incidents)
		require.Equal(t, 1, o.Runners)
		require.Equal(t, 2, o.Checks[monitor.StatusUnknown])
		require.Equal(t, p.events, o.Sequence)
	})
}

func checkIDs(t *testing.T, r *Reader) []string {
	page, err := r.Checks(t.Context(), Query{})
	require.NoError(t, err)
	return ids(page.Items)
}
