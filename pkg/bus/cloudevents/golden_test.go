package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// A wire name and its version never change meaning. Update only when a field was added that older
// readers may ignore and whose absence newer ones understand; any other change is a new version.
var update = flag.Bool("update", false, "write the golden files anew")

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 8_009_000, time.UTC) }

func meta() monitor.Meta {
	return monitor.Meta{
		ID: "0195f1c2-0000-7000-8000-000000000001", Source: "/vedette/decider", Time: noon(), CommandID: "command-1",
		CausationID: "cause-1", CorrelationID: "chain-1", Actor: "Ünal <ünal@example.org>", Revision: 7,
	}
}

// filled returns a message with every field set, so that a renamed one shows.
func filled[M any](zero M) M {
	value := reflect.New(reflect.TypeOf(zero)).Elem()
	fill(value, "text")
	return value.Interface().(M)
}

func fill(v reflect.Value, name string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(noon()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("<" + name + ">")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(90_000_000_000)
	case reflect.Uint64:
		v.SetUint(1<<53 - 1)
	case reflect.Float64:
		v.SetFloat(41.7)
	case reflect.Interface:
		v.Set(reflect.ValueOf(200.0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"method":"GET"}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, "key")
		fill(value, "value")
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), strings.ToLower(v.Type().Field(i).Name))
		}
	default:
		panic("the test does not know how to fill a " + v.Kind().String())
	}
}

// golden demands that a file holds what is written, and returns what it holds, without indentation.
func golden(t *testing.T, folder, kind string, written []byte) []byte {
	t.Helper()
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, written, "", "  "))
	pretty.WriteByte('\n')
	path := filepath.Join("testdata", folder, kind+".json")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, pretty.Bytes(), 0o644))
	}
	held, err := os.ReadFile(path)
	require.NoError(t, err, "a new type needs its file: run this test with -update, once")
	assert.Equal(t, string(held), pretty.String(), "%s is written otherwise than before", kind)
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, held))
	return compact.Bytes()
}

func TestEventsAreWrittenAndReadAsEver(t *testing.T) {
	codec := cloudevents.New()
	for _, zero := range monitor.Events() {
		t.Run(zero.Type(), func(t *testing.T) {
			m := monitor.EventMessage{Meta: meta(), Event: filled(zero)}
			m.Sequence = 1<<63 + 1
			raw, err := cloudevents.MarshalEvent(m)
			require.NoError(t, err)
			read, err := codec.UnmarshalEvent(golden(t, "events", zero.Type(), raw))
			require.NoError(t, err)
			assert.Equal(t, m, read)

			headers, body, err := cloudevents.Binary(m.Meta, m.Event)
			require.NoError(t, err)
			read, err = codec.ParseEvent(func(name string) string { return headers[name] }, body)
			require.NoError(t, err)
			m.Sequence = 0 // the stream's, not the message's
			assert.Equal(t, m, read)
		})
	}
}

func TestCommandsAreWrittenAndReadAsEver(t *testing.T) {
	codec := cloudevents.New()
	for _, zero := range monitor.Commands() {
		t.Run(zero.Type(), func(t *testing.T) {
			m := monitor.CommandMessage{Meta: meta(), Command: filled(zero)}
			headers, body, err := cloudevents.Binary(m.Meta, m.Command)
			require.NoError(t, err)
			raw, err := json.Marshal(map[string]any{"headers": headers, "body": json.RawMessage(body)})
			require.NoError(t, err)
			var held struct {
				Headers map[string]string `json:"headers"`
				Body    json.RawMessage   `json:"body"`
			}
			require.NoError(t, json.Unmarshal(golden(t, "commands", zero.Type(), raw), &held))
			read, err := codec.ParseCommand(func(name string) string { return held.Headers[name] }, held.Body)
			require.NoError(t, err)
			assert.Equal(t, m, read)
		})
	}
}

func TestNoGoldenFileIsLeftOver(t *testing.T) {
	types := make(map[string]bool)
	for _, e := range monitor.Events() {
		types["events/"+e.Type()] = true
	}
	for _, c := range monitor.Commands() {
		types["commands/"+c.Type()] = true
	}
	for _, folder := range []string{"events", "commands"} {
		files, err := os.ReadDir(filepath.Join("testdata", folder))
		require.NoError(t, err)
		for _, f := range files {
			name := folder + "/" + strings.TrimSuffix(f.Name(), ".json")
			assert.True(t, types[name], "%s was stored once and must stay readable: it needs an upcaster and a test of it", name)
		}
	}
}

func TestBatch(t *testing.T) {
	codec := cloudevents.New()
	var batch []monitor.EventMessage
	for i, outcome := range []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeFailure, monitor.OutcomeError} {
		m := monitor.EventMessage{Meta: meta(), Event: monitor.Executed(monitor.Result{ID: string(outcome), Outcome: outcome})}
		m.Index = i
		batch = append(batch, m)
	}
	raw, err := cloudevents.MarshalBatch(batch)
	require.NoError(t, err)
	read, err := codec.UnmarshalBatch(raw)
	require.NoError(t, err)
	assert.Equal(t, batch, read)
	empty, err := cloudevents.MarshalBatch(nil)
	require.NoError(t, err)
	assert.Equal(t, "[]", string(empty))
}

func TestOlderVersionsAreReadAsNewer(t *testing.T) {
	codec := cloudevents.New(
		cloudevents.Upcaster{From: "vedette.check.paused.v0", To: "vedette.check.paused.v1", Data: func(data []byte) ([]byte, error) {
			var old struct {
				Check string `json:"check"`
			}
			if err := json.Unmarshal(data, &old); err != nil {
				return nil, err
			}
			return json.Marshal(monitor.CheckPaused{CheckID: old.Check, Service: "unknown"})
		}},
		cloudevents.Upcaster{From: "vedette.check.pause.v0", To: "vedette.check.pause.v1", Data: func([]byte) ([]byte, error) {
			return []byte(`{"check_id":"home"}`), nil
		}},
	)
	m, err := codec.UnmarshalEvent([]byte(`{"specversion":"1.0","id":"1","type":"vedette.check.paused.v0","time":"2026-03-04T12:00:00Z","data":{"check":"home"}}`))
	require.NoError(t, err)
	assert.Equal(t, monitor.CheckPaused{CheckID: "home", Service: "unknown"}, m.Event)
	headers := map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-type": "vedette.check.pause.v0", "ce-time": "2026-03-04T12:00:00Z"}
	c, err := codec.ParseCommand(func(name string) string { return headers[name] }, []byte(`{}`))
	require.NoError(t, err)
	assert.Equal(t, monitor.PauseCheck{CheckID: "home"}, c.Command)
	_, err = codec.UnmarshalEvent([]byte(`{"specversion":"1.0","type":"vedette.check.paused.v0","time":"2026-03-04T12:00:00Z","data":[]}`))
	require.ErrorContains(t, err, "vedette.check.paused.v0")
	_, err = cloudevents.New().UnmarshalEvent([]byte(`{"specversion":"1.0","type":"vedette.check.paused.v0","time":"2026-03-04T12:00:00Z","data":{}}`))
	require.ErrorIs(t, err, bus.ErrUnknownType)
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	codec := cloudevents.New()
	for text, says := range map[string]string{
		``:   "decode event",
		`[]`: "decode event",
		`{"specversion":"0.3","type":"vedette.check.paused.v1"}`:                                     "specversion",
		`{"specversion":"1.0","type":"vedette.check.paused.v1","data":7}`:                            "decode vedette.check.paused.v1",
		`{"specversion":"1.0","type":"vedette.check.paused.v1"}`:                                     "decode vedette.check.paused.v1",
		`{"specversion":"1.0","type":"vedette.check.paused.v1","time":"yesterday"}`:                  "decode event",
		`{"specversion":"1.0","type":"vedette.check.paused.v1","data":{},"sequence":"-1"}`:           "sequence",
		`{"specversion":"1.0","type":"","data":{}}`:                                                  "unknown message type",
		`{"specversion":"1.0","type":"vedette.check.pause.v1","data":{},"subject":"a command's"}`:    "unknown message type",
		`{"specversion":"1.0","type":"vedette.check.paused.v1","revision":"7","data":{},"id":"one"}`: "revision",
	} {
		_, err := codec.UnmarshalEvent([]byte(text))
		require.ErrorContains(t, err, says, text)
		_, err = codec.UnmarshalBatch([]byte("[" + text + ",{}]"))
		require.Error(t, err, text)
	}
	good, body, err := cloudevents.Binary(meta(), monitor.CheckPaused{CheckID: "home"})
	require.NoError(t, err)
	for name, value := range map[string]string{"ce-specversion": "", "ce-time": "noon", "ce-revision": "-7", "ce-type": "vedette.unheard.of.v1"} {
		_, err := codec.ParseEvent(func(n string) string {
			if n == name {
				return value
			}
			return good[n]
		}, body)
		require.Error(t, err, name)
	}
}
