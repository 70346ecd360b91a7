package process_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process"
)

func TestAFlagComesBeforeTheEnvironmentBeforeTheDefault(t *testing.T) {
	lookup := func(values map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { value, ok := values[name]; return value, ok }
	}
	set := func(into *int) func(string) error {
		return func(text string) (err error) { *into, err = strconv.Atoi(text); return err }
	}
	cases := map[string]struct {
		given bool
		env   map[string]string
		want  int
	}{
		"default":           {want: 1},
		"environment":       {env: map[string]string{"VEDETTE_HTTP_PORT": "2"}, want: 2},
		"flag":              {given: true, env: map[string]string{"VEDETTE_HTTP_PORT": "2"}, want: 1},
		"empty is as none":  {env: map[string]string{"VEDETTE_HTTP_PORT": ""}, want: 1},
		"of another prefix": {env: map[string]string{"HTTP_PORT": "2"}, want: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			port := 1
			settings := []process.Setting{{Name: "http-port", Given: c.given, Set: set(&port)}}
			require.NoError(t, process.FromEnvironment(settings, lookup(c.env)))
			require.Equal(t, c.want, port)
		})
	}
}

func TestEveryBadVariableIsNamed(t *testing.T) {
	wrong := errors.New("no number")
	refuse := func(string) error { return wrong }
	err := process.FromEnvironment([]process.Setting{{Name: "concurrency", Set: refuse}, {Name: "log-level", Set: refuse}},
		func(string) (string, bool) { return "many", true })
	require.ErrorIs(t, err, wrong)
	require.ErrorContains(t, err, `VEDETTE_CONCURRENCY="many" in the environment: no number`)
	require.ErrorContains(t, err, "VEDETTE_LOG_LEVEL")
}
