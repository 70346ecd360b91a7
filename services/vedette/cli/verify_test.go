package cli_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	head := "1842:" + strings.Repeat("0a", 32)
	whole := `{"whole":true,"events":1842,"first":1,"last":1842,"head":"` + head + `","compared":1840,"damage":[],"damaged":0,"checked_at":"2026-03-04T12:00:00Z","took_ms":41}`
	told := func(report string) http.HandlerFunc {
		return stream("event: progress\ndata: {\"done\":0,\"total\":0}\n\nevent: report\ndata: " + report + "\n\n")
	}
	s := serve(t, map[string]http.HandlerFunc{"POST /verify": told(whole)})
	o := s.run(t, "", nil, "verify", "--expect", head)
	require.Zero(t, o.code, o.err)
	golden(t, "verify.golden", o.out)
	require.Equal(t, map[string]any{"expect": []any{head}}, s.last().body)
	o = s.run(t, "", nil, "verify", "--head")
	require.Zero(t, o.code, o.err)
	require.Equal(t, head+"\n", o.out)
	asked := s.requests()
	o = s.run(t, "", nil, "verify", "--expect", "1842")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.err, "SEQUENCE:HASH")
	require.Equal(t, asked, s.requests())

	damaged := strings.NewReplacer(`"whole":true`, `"whole":false`, `"damage":[]`, `"damage":[{"sequence":3,"until":3,"what":"is not what it was"},{"sequence":7,"until":9,"what":"is missing"}]`, `"damaged":0`, `"damaged":4`).Replace(whole)
	s = serve(t, map[string]http.HandlerFunc{"POST /verify": told(damaged)})
	o = s.run(t, "", nil, "verify", "--head")
	require.Equal(t, 1, o.code)
	golden(t, "verify-damaged.golden", o.out)
	require.Empty(t, o.err)
}
