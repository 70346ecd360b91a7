package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// The examples of RFC 7396, appendix A.
func TestMergePatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		merged, err := mergePatch([]byte(c[0]), []byte(c[1]))
		require.NoError(t, err)
		require.JSONEq(t, c[2], string(merged), "%s with %s", c[0], c[1])
	}
}

func FuzzPatch(f *testing.F) {
	f.Add(`{"a":{"b":1}}`, `{"a":{"b":null,"c":[1]}}`)
	f.Add(`{"interval":"30s"}`, `{"interval":30,"labels":{"a":null}}`)
	f.Add(`[]`, `{"":null}`)
	f.Fuzz(func(t *testing.T, target, patch string) {
		if !json.Valid([]byte(target)) || !json.Valid([]byte(patch)) {
			t.Skip()
		}
		once, err := mergePatch([]byte(target), []byte(patch))
		require.NoError(t, err)
		require.True(t, json.Valid(once))
		twice, err := mergePatch(once, []byte(patch))
		require.NoError(t, err)
		require.JSONEq(t, string(once), string(twice), "a patch applied again changes nothing")
	})
}

// Whatever comes is read or named, and what is read without problems is what was sent.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"id":"home","interval":"30s","labels":{"a":"b"},"assertions":["x"],"retries":2,"paused":true,"options":{"a":1}}`))
	f.Add([]byte(`{"interval":30,"labels":[],"assertions":[1],"retries":1e9,"paused":null}`))
	f.Add([]byte(`{"id":{"id":["id"]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, problems, err := parseDefinition(raw)
		if err != nil || len(problems) > 0 {
			return
		}
		text, err := json.Marshal(d)
		require.NoError(t, err)
		again, problems, err := parseDefinition(text)
		require.NoError(t, err)
		require.Empty(t, problems)
		require.Equal(t, d.WithDefaults().Validate(), again.WithDefaults().Validate())
	})
}

func TestADefinitionIsDecodedWhole(t *testing.T) {
	text, err := json.Marshal(exampleDefinition())
	require.NoError(t, err)
	d, problems, err := parseDefinition(text)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, exampleDefinition(), d)
	service, problems, err := parseService([]byte(`{"id":"web","name":null,"rollup":"best"}`))
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, monitor.ServiceDefinition{ID: "web", Rollup: monitor.RollupBest}, service)
}
