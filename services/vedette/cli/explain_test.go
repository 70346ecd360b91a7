package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "explain.json"))
	require.NoError(t, err)
	s := serve(t, map[string]http.HandlerFunc{"GET /events/home-1/causes": answer(200, string(raw))})
	o := s.run(t, "", nil, "explain", "home-1")
	require.Zero(t, o.code, o.err)
	golden(t, "explain.golden", o.out)
	o = s.run(t, "", nil, "explain", "home-1", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.JSONEq(t, string(raw), o.out)
	require.Equal(t, 3, s.run(t, "", nil, "explain", "nothing").code)
	require.Equal(t, 2, s.run(t, "", nil, "explain").code)
	o = s.run(t, "", nil, "explain", "check:home-1")
	require.Equal(t, "/api/v1/events/check:home-1/causes", s.last().path)
	require.Equal(t, 3, o.code)
}
