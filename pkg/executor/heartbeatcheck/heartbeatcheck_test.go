package heartbeatcheck_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func definition(change ...func(*monitor.Definition)) monitor.Definition {
	d := monitor.Definition{ID: "backup", Service: "db", Kind: monitor.KindHeartbeat}
	for _, c := range change {
		c(&d)
	}
	return d.WithDefaults()
}

func TestTokens(t *testing.T) {
	d := definition(func(d *monitor.Definition) { d.Options = json.RawMessage(`{}`) })
	require.False(t, heartbeatcheck.HasToken(d))
	token := heartbeatcheck.NewToken("backup")
	require.NotEqual(t, token, heartbeatcheck.NewToken("backup"))
	require.GreaterOrEqual(t, len(token), len("backup.")+26, "130 bits in base 32")
	id, ok := heartbeatcheck.CheckOf(token)
	require.True(t, ok)
	require.Equal(t, "backup", id)

	var err error
	d.Options, err = heartbeatcheck.WithToken(d, token)
	require.NoError(t, err)
	require.NotContains(t, string(d.Options), token[len("backup."):], "only its digest is kept")
	require.True(t, heartbeatcheck.HasToken(d))
	_, problems := heartbeatcheck.Executor{}.Prepare(d)
	require.Empty(t, problems)
	require.True(t, heartbeatcheck.Matches(d, token))
	require.False(t, heartbeatcheck.Matches(d, token+"a"))
	require.False(t, heartbeatcheck.Matches(d, heartbeatcheck.NewToken("backup")))
	other := d
	other.Kind = "http"
	require.False(t, heartbeatcheck.Matches(other, token))

	changed := definition()
	changed.Options, err = heartbeatcheck.Kept(changed, d)
	require.NoError(t, err)
	require.True(t, heartbeatcheck.Matches(changed, token))
	require.False(t, heartbeatcheck.Matches(definition(), ""))
}

func TestNoToken(t *testing.T) {
	for _, text := range []string{"", ".", "backup", "backup.", ".secret", "Backup.secret", "a/b.secret", "backup." + strings.Repeat("a", 200)} {
		_, ok := heartbeatcheck.CheckOf(text)
		require.False(t, ok, text)
	}
	for _, options := range []string{`{"token_sha256":"abc"}`, `{"token_sha256":"zz"}`} {
		_, problems := heartbeatcheck.Executor{}.Prepare(definition(func(d *monitor.Definition) { d.Options = json.RawMessage(options) }))
		require.Len(t, problems, 1)
		require.Equal(t, "options.token_sha256", problems[0].Field)
	}
	_, problems := heartbeatcheck.Executor{}.Prepare(definition(func(d *monitor.Definition) { d.Options = json.RawMessage(`{"tokn":1}`) }))
	require.Equal(t, "options.tokn", problems[0].Field)
}

func FuzzCheckOf(f *testing.F) {
	f.Add("backup.k3wq5nfd7a2mzt4ce6xvbh2ryu")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if id, ok := heartbeatcheck.CheckOf(token); ok {
			require.True(t, monitor.ValidID(id))
			require.True(t, strings.HasPrefix(token, id+"."))
		}
	})
}

func TestJudgement(t *testing.T) {
	table, err := executor.NewTable(heartbeatcheck.Executor{})
	require.NoError(t, err)
	engine := executor.NewEngine(table, executor.Environment{Runner: monitor.HeartbeatRunner})
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for name, c := range map[string]struct {
		change  func(*monitor.Definition)
		beat    heartbeatcheck.Heartbeat
		outcome monitor.Outcome
		text    string
	}{
		"plain":            {nil, heartbeatcheck.Heartbeat{}, monitor.OutcomeSuccess, ""},
		"failed":           {nil, heartbeatcheck.Heartbeat{Failed: true}, monitor.OutcomeFailure, "the job reported a failure"},
		"failed with text": {nil, heartbeatcheck.Heartbeat{Failed: true, Message: "disk full"}, monitor.OutcomeFailure, "the job reported a failure: disk full"},
		"exit code":        {nil, heartbeatcheck.Heartbeat{ExitCode: 24, Message: "vanished"}, monitor.OutcomeFailure, "the job ended with exit code 24: vanished"},
		"a code that is right": {func(d *monitor.Definition) { d.Assertions = []string{"exit_code in [0, 24]"} },
			heartbeatcheck.Heartbeat{ExitCode: 24}, monitor.OutcomeSuccess, ""},
		"a failure is none that is right": {func(d *monitor.Definition) { d.Assertions = []string{"exit_code == 0"} },
			heartbeatcheck.Heartbeat{Failed: true}, monitor.OutcomeFailure, "the job reported a failure"},
		"message": {func(d *monitor.Definition) { d.Assertions = []string{`!message.startsWith("0 files")`} },
			heartbeatcheck.Heartbeat{Message: "0 files"}, monitor.OutcomeFailure, `!message.startsWith("0 files") · actual`},
		"slow": {func(d *monitor.Definition) { d.DegradedAfter = monitor.Duration(time.Hour) },
			heartbeatcheck.Heartbeat{Took: 2 * time.Hour}, monitor.OutcomeDegraded, ""},
		"inverted": {func(d *monitor.Definition) { d.Invert = true },
			heartbeatcheck.Heartbeat{}, monitor.OutcomeFailure, "invert makes that a failure"},
	} {
		d := definition(func(d *monitor.Definition) {
			if c.change != nil {
				c.change(d)
			}
		})
		r := engine.Judge(t.Context(), monitor.Execution{Check: d, Revision: 2, Location: "default", DueAt: now, Trigger: monitor.TriggerHeartbeat}, now.Add(-c.beat.Took), c.beat.Observation())
		require.Equal(t, c.outcome, r.Outcome, name)
		require.Contains(t, r.Error, c.text, name)
		require.Equal(t, float64(c.beat.Took.Milliseconds()), r.DurationMS, name)
		require.True(t, now.Equal(r.FinishedAt()), name)
		require.Equal(t, monitor.HeartbeatRunner, r.Runner)
		require.Equal(t, c.beat.ExitCode, r.Observed["exit_code"])
	}
	r := engine.Execute(t.Context(), monitor.Execution{Check: definition(func(d *monitor.Definition) {
		d.Options = json.RawMessage(`{"token_sha256":"` + strings.Repeat("ab", 32) + `"}`)
	}), Location: "default", DueAt: now})
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "a heartbeat cannot be executed")
}
