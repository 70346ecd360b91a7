package cloudevents_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

func seeds(f *testing.F) [][]byte {
	f.Helper()
	files, err := filepath.Glob("testdata/events/*.json")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	var all [][]byte
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		all = append(all, raw)
	}
	return all
}

// stable demands that what was read is written and read again as the same.
func stable(t *testing.T, codec *cloudevents.Codec, m monitor.EventMessage) {
	t.Helper()
	m.Index, m.StoredAt = 0, time.Time{}
	raw, err := cloudevents.MarshalEvent(m)
	require.NoError(t, err)
	again, err := codec.UnmarshalEvent(raw)
	require.NoError(t, err)
	require.True(t, m.Time.Equal(again.Time))
	once, err := cloudevents.MarshalEvent(again)
	require.NoError(t, err)
	require.Equal(t, string(raw), string(once))
}

func FuzzUnmarshalEvent(f *testing.F) {
	for _, raw := range seeds(f) {
		f.Add(raw)
	}
	codec := cloudevents.New()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := codec.UnmarshalEvent(raw); err == nil {
			stable(t, codec, m)
		}
	})
}

func FuzzUnmarshalBatch(f *testing.F) {
	for _, raw := range seeds(f) {
		f.Add(append(append(append([]byte("["), raw...), ','), append(raw, ']')...))
	}
	codec := cloudevents.New()
	f.Fuzz(func(t *testing.T, raw []byte) {
		batch, err := codec.UnmarshalBatch(raw)
		if err != nil {
			return
		}
		for i, m := range batch {
			require.Equal(t, i, m.Index)
			stable(t, codec, m)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add("vedette.check.paused.v1", "2026-03-04T12:00:00.5+01:00", "7", "cause", []byte(`{"check_id":"home","service":"web"}`))
	f.Add("vedette.check.failed.v1", "0000-01-01T00:00:00+23:59", "", "", []byte(`{"result":{"id":"x","observed":{"a":[1,{}]}}}`))
	codec := cloudevents.New()
	f.Fuzz(func(t *testing.T, kind, at, revision, cause string, body []byte) {
		headers := map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-type": kind, "ce-time": at, "ce-revision": revision, "ce-causationid": cause}
		m, err := codec.ParseEvent(func(name string) string { return headers[name] }, body)
		if err != nil {
			return
		}
		written, data, err := cloudevents.Binary(m.Meta, m.Event)
		require.NoError(t, err)
		again, err := codec.ParseEvent(func(name string) string { return written[name] }, data)
		require.NoError(t, err)
		require.True(t, m.Time.Equal(again.Time))
		require.Equal(t, m.Revision, again.Revision)
		require.Equal(t, m.CausationID, again.CausationID)
	})
}
