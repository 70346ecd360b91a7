package cli_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePastIsAskedForByTimeOrBySpan(t *testing.T) {
	s := board(t)
	for _, command := range []string{"check ls", "check get home", "service ls", "service get web", "overview", "incidents"} {
		for text, want := range map[string]string{
			"2026-03-04T11:30:00Z": "2026-03-04T11:30:00Z", "30m": "2026-03-04T11:30:00Z", "-30m": "2026-03-04T11:30:00Z",
			"30m ago": "2026-03-04T11:30:00Z", "2d": "2026-03-02T12:00:00Z", "2026-03-04T12:30:00+01:00": "2026-03-04T11:30:00Z",
		} {
			o := s.run(t, "", nil, append(strings.Fields(command), "--at", text)...)
			require.Zero(t, o.code, o.err)
			query, err := url.ParseQuery(s.last().query)
			require.NoError(t, err)
			require.Equal(t, want, query.Get("at"), "%s --at %s", command, text)
		}
		asked := s.requests()
		o := s.run(t, "", nil, append(strings.Fields(command), "--at", "yesterday")...)
		require.Equal(t, 2, o.code)
		require.Contains(t, o.err, "how long ago")
		require.Equal(t, asked, s.requests())
	}
}

func TestAgesOfThePastAreToldFromThen(t *testing.T) {
	o := board(t).run(t, "", nil, "check", "get", "home", "--at", "2026-03-04T11:20:00Z")
	require.Contains(t, o.out, "down for 3m")
}
