package cli_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChangesAreShownFieldByField(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{"GET /checks/home/changes": answer(200, `{"total":4,"items":[
 {"sequence":9,"type":"vedette.check.deleted.v1","time":"2026-03-04T11:00:00Z","revision":4,"changes":[{"field":"id","from":"home"}]},
 {"sequence":7,"type":"vedette.check.updated.v1","time":"2026-03-04T10:00:00Z","revision":3,"actor":"ann","command_id":"c-3","changes":[
  {"field":"assertions","from":["status == 200"],"to":["status < 400"]},{"field":"labels.team","to":"web\u001b[2J"}]},
 {"sequence":5,"type":"vedette.check.paused.v1","time":"2026-03-03T10:00:00Z","revision":2,"changes":[{"field":"paused","from":false,"to":true}]},
 {"sequence":2,"type":"vedette.check.registered.v1","time":"2026-03-01T10:00:00Z","revision":1,"changes":[{"field":"id","to":"home"}]}]}`)})
	o := s.run(t, "", nil, "check", "changes", "home")
	require.Zero(t, o.code, o.err)
	golden(t, "check-changes.golden", o.out)

	o = s.run(t, "", nil, "check", "changes", "home", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, `"command_id": "c-3"`)

	s = serve(t, map[string]http.HandlerFunc{"GET /services/web/changes": answer(200, `{"total":2,"items":[
 {"sequence":7,"type":"vedette.service.updated.v1","time":"2026-03-04T10:00:00Z","revision":2,"changes":[{"field":"rollup","from":"worst","to":"best"}]},
 {"sequence":2,"type":"vedette.service.registered.v1","time":"2026-03-01T10:00:00Z","revision":1,"changes":[{"field":"id","to":"web"}]}]}`)})
	o = s.run(t, "", nil, "service", "changes", "web")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, "rollup: worst → best")

	o = s.run(t, "", nil, "check", "changes", "gone")
	require.NotZero(t, o.code)
	require.Contains(t, o.err, "there is no check")
}
