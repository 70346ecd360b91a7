package cli_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	ordered = `{"name":"activity","version":1,"results":900,"generations":{"serving":1,"building":2,"latest":2,"order":"o1"},"order":{"id":"o1","what":"rebuild"},
 "progress":{"generation":2,"phase":"folding","percent":40,"per_second":31000,"left_ms":3000}}`
	built = `{"name":"activity","version":1,"results":900,"flushed_at":"2026-03-04T11:59:58Z","generations":{"serving":2,"previous":1,"latest":2,"order":"o1"},
 "progress":{"generation":2,"phase":"done","percent":100,"messages":9000,"started_at":"2026-03-04T11:58:00Z","updated_at":"2026-03-04T11:58:12Z"},
 "comparison":{"old":1,"new":2,"same":41,"different":1,"only_old":1,"only_new":0,"samples":[
  {"key":"page.0","old":"…\"recent\":\"UD\u001b[2J\"","new":"…\"recent\":\"UU\""},{"key":"today.gone","old":"{}"}]}}`
)

func builds(views ...string) http.HandlerFunc {
	var told strings.Builder
	for i, view := range views {
		kind := "progress"
		if i == len(views)-1 {
			kind = "done"
		}
		fmt.Fprintf(&told, "event: %s\ndata: %s\n\n", kind, strings.ReplaceAll(view, "\n", ""))
	}
	return stream(told.String())
}

func TestProjectionRebuild(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"POST /projections/activity/rebuild": answer(202, ordered), "GET /projections/activity": builds(ordered, built),
		"GET /projections": answer(200, `{"items":[`+built+`],"total":1}`), "POST /projections/activity/prune": answer(202, built),
	})
	o := s.run(t, "", nil, "projection", "rebuild", "activity")
	require.Zero(t, o.code, o.err)
	require.Empty(t, o.err, "no bar where nobody sees it")
	golden(t, "projection-rebuild.golden", o.out)
	require.Equal(t, o.out, s.run(t, "", nil, "projection", "rebuild", "--all").out)
	o = s.run(t, "", nil, "projection", "rebuild", "activity", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, `"serving": 2`)
	require.NotContains(t, o.out, "\x1b")
	o = s.run(t, "", nil, "projection", "rebuild", "activity", "--prune")
	require.Equal(t, "activity: generation 2 serves, none is kept beside\n", o.out)
	golden(t, "projection-beside.golden", s.run(t, "", nil, "projection", "ls").out)
}

func TestProjectionOrdersThatCannotBe(t *testing.T) {
	failed := strings.ReplaceAll(built, `"order":"o1"}`, `"order":"o1","failed":"generation 1 cannot be gone back to: it is torn"}`)
	s := serve(t, map[string]http.HandlerFunc{
		"POST /projections/checks/rollback":   problem(409, "there is no previous generation of checks to go back to"),
		"POST /projections/activity/rollback": answer(202, built), "GET /projections/activity": builds(failed),
	})
	o := s.run(t, "", nil, "projection", "rebuild", "checks", "--rollback")
	require.Equal(t, 4, o.code)
	require.Contains(t, o.err, "no previous generation")
	o = s.run(t, "", nil, "projection", "rebuild", "activity", "--rollback")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "cannot be gone back to")
	require.Equal(t, 3, s.run(t, "", nil, "projection", "rebuild", "nothing").code)
	for _, wrong := range [][]string{{}, {"activity", "--all"}, {"activity", "--rollback", "--prune"}} {
		require.Equal(t, 2, s.run(t, "", nil, append([]string{"projection", "rebuild"}, wrong...)...).code, wrong)
	}
}
