package executor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) {
	if os.Getenv(targetVariable) != "" {
		if err := serveTargets(); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// scripted is a kind whose attempts do what a test says.
type scripted struct {
	attempt func(ctx context.Context, tools executor.Tools) executor.Observation
	prepare func(d monitor.Definition) monitor.Problems
}

func (s scripted) Kind() executor.Kind {
	return executor.Kind{Name: "scripted", Variables: []assertion.Variable{
		{Name: "status", Type: "int"}, {Name: "body", Type: "string"}, {Name: "list", Type: "list(string)"},
	}}
}

func (s scripted) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	if s.prepare != nil {
		return s, s.prepare(d)
	}
	return s, nil
}

func (s scripted) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	return s.attempt(ctx, tools)
}

// answers returns a kind that answers with the statuses one after the other, each after so long.
func answers(takes time.Duration, statuses ...int) scripted {
	return scripted{attempt: func(context.Context, executor.Tools) executor.Observation {
		time.Sleep(takes) // in a bubble
		status := statuses[0]
		if len(statuses) > 1 {
			statuses = statuses[1:]
		}
		verdict := ""
		if status >= 400 {
			verdict = fmt.Sprint("status ", status)
		}
		return executor.Observation{
			Values: assertion.Known(map[string]any{"status": status}), Observed: map[string]any{"status": status}, Latency: takes, Verdict: verdict,
		}
	}}
}

func execute(t *testing.T, e executor.Executor, d monitor.Definition, change ...func(*executor.Environment)) monitor.Result {
	t.Helper()
	table, err := executor.NewTable(e)
	require.NoError(t, err)
	env := executor.Environment{Runner: "r1", Secrets: secrets.Source{Env: func(string) (string, bool) { return "s3cret-value", true }}}
	for _, edit := range change {
		edit(&env)
	}
	d.ID, d.Service, d.Kind, d.Target = "c", "s", "scripted", "x"
	return executor.NewEngine(table, env).Execute(t.Context(), monitor.Execution{Check: d.WithDefaults(), Location: "default", DueAt: time.Now(), Revision: 3})
}

func TestRetries(t *testing.T) {
	for name, tc := range map[string]struct {
		definition monitor.Definition
		statuses   []int
		outcome    monitor.Outcome
		attempts   int
		took       time.Duration
	}{
		"none needed":     {monitor.Definition{Retries: 3}, []int{200}, monitor.OutcomeSuccess, 1, 10 * time.Millisecond},
		"one needed":      {monitor.Definition{Retries: 3, RetryDelay: monitor.Duration(2 * time.Second)}, []int{503, 200}, monitor.OutcomeSuccess, 2, 2020 * time.Millisecond},
		"used up":         {monitor.Definition{Retries: 2, RetryDelay: monitor.Duration(time.Second)}, []int{503}, monitor.OutcomeFailure, 3, 2030 * time.Millisecond},
		"no delay":        {monitor.Definition{Retries: 2}, []int{503}, monitor.OutcomeFailure, 3, 30 * time.Millisecond},
		"none allowed":    {monitor.Definition{}, []int{503, 200}, monitor.OutcomeFailure, 1, 10 * time.Millisecond},
		"of an assertion": {monitor.Definition{Retries: 1, Assertions: []string{"status == 204"}}, []int{200, 204}, monitor.OutcomeSuccess, 2, 20 * time.Millisecond},
		"inverted":        {monitor.Definition{Retries: 1, Invert: true}, []int{200, 503}, monitor.OutcomeSuccess, 2, 20 * time.Millisecond},
		"degraded is not": {monitor.Definition{Retries: 1, DegradedAfter: monitor.Duration(time.Millisecond)}, []int{200}, monitor.OutcomeDegraded, 1, 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				r := execute(t, answers(10*time.Millisecond, tc.statuses...), tc.definition)
				require.Equal(t, tc.outcome, r.Outcome, r.Error)
				require.Equal(t, tc.attempts, r.Attempts)
				require.Equal(t, tc.took, time.Since(begun))
				require.InDelta(t, 10.0, r.DurationMS, 0.001, "of the last attempt")
				require.Equal(t, r.Outcome == monitor.OutcomeFailure, r.Error != "")
			})
		})
	}
}

func TestGrade(t *testing.T) {
	for name, tc := range map[string]struct {
		definition monitor.Definition
		status     int
		outcome    monitor.Outcome
		text       string
	}{
		"good":             {monitor.Definition{}, 200, monitor.OutcomeSuccess, ""},
		"bad":              {monitor.Definition{}, 503, monitor.OutcomeFailure, "status 503"},
		"slow":             {monitor.Definition{DegradedAfter: monitor.Duration(9 * time.Millisecond)}, 200, monitor.OutcomeDegraded, ""},
		"slow and bad":     {monitor.Definition{DegradedAfter: monitor.Duration(9 * time.Millisecond)}, 503, monitor.OutcomeFailure, "status 503"},
		"fast enough":      {monitor.Definition{DegradedAfter: monitor.Duration(11 * time.Millisecond)}, 200, monitor.OutcomeSuccess, ""},
		"inverted good":    {monitor.Definition{Invert: true}, 200, monitor.OutcomeFailure, "it succeeded, and invert makes that a failure"},
		"inverted bad":     {monitor.Definition{Invert: true}, 503, monitor.OutcomeSuccess, ""},
		"assertion":        {monitor.Definition{Assertions: []string{"status == 503"}}, 503, monitor.OutcomeSuccess, ""},
		"failed assertion": {monitor.Definition{Assertions: []string{"status > 100", "status == 200", "status == 204"}}, 503, monitor.OutcomeFailure, "status == 200 · actual 503"},
		"unknown variable": {monitor.Definition{Assertions: []string{"stats == 200"}}, 200, monitor.OutcomeFailure, `stats == 200 · 1:1: "stats" is not known`},
		"no value":         {monitor.Definition{Assertions: []string{`body == ""`}}, 200, monitor.OutcomeFailure, "cannot be evaluated"},
		"no key":           {monitor.Definition{Assertions: []string{`[1][status] == 1`}}, 200, monitor.OutcomeFailure, "cannot be evaluated: index out of bounds: 200"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := execute(t, answers(10*time.Millisecond, tc.status), tc.definition)
				require.Equal(t, tc.outcome, r.Outcome, r.Error)
				require.Contains(t, r.Error, tc.text)
				require.Equal(t, tc.text == "", r.Error == "")
				require.Len(t, r.Assertions, len(tc.definition.Assertions))
				for _, a := range r.Assertions {
					require.False(t, a.Passed && (a.Actual != "" || a.Error != ""))
				}
			})
		})
	}
}

// TestWhatIsNotTheTargetsFault: such executions say nothing about the target, inverted or not, and
// trying again is no help.
func TestWhatIsNotTheTargetsFault(t *testing.T) {
	failing := func(err error) scripted {
		return scripted{attempt: func(context.Context, executor.Tools) executor.Observation { return executor.Observation{Err: err} }}
	}
	for name, tc := range map[string]struct {
		executor executor.Executor
		text     string
	}{
		"forbidden":   {failing(fmt.Errorf("dial: %w", executor.ErrForbidden)), "policy"},
		"secret":      {failing(fmt.Errorf("header: %w", executor.ErrSecret)), "secret"},
		"setup":       {failing(fmt.Errorf("%w: no resolver", executor.ErrSetup)), "no resolver"},
		"panic":       {scripted{attempt: func(context.Context, executor.Tools) executor.Observation { panic("oh no") }}, "the executor panicked: oh no"},
		"panic early": {scripted{prepare: func(monitor.Definition) monitor.Problems { panic("oh no") }}, "the executor panicked: oh no"},
		"unreadable": {scripted{prepare: func(monitor.Definition) monitor.Problems {
			return monitor.Problems{{Field: "options.new", Message: "is not known"}}
		}}, "this runner cannot read the definition: options.new: is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, invert := range []bool{false, true} {
				r := execute(t, tc.executor, monitor.Definition{Retries: 2, Invert: invert})
				require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
				require.Contains(t, r.Error, tc.text)
				require.LessOrEqual(t, r.Attempts, 1)
			}
		})
	}
}

func TestPanicIsLoggedWithItsStackAndWithoutSecrets(t *testing.T) {
	var log bytes.Buffer
	r := execute(t, scripted{attempt: func(_ context.Context, tools executor.Tools) executor.Observation {
		value, err := tools.Secret("secret://x")
		panic(fmt.Sprint(value, err))
	}}, monitor.Definition{}, func(env *executor.Environment) { env.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	for _, text := range []string{r.Error, log.String()} {
		require.NotContains(t, text, "s3cret")
		require.Contains(t, text, "the executor panicked: •••")
	}
	require.Contains(t, log.String(), "engine_test.go")
	require.Contains(t, log.String(), "check=c")
}

func TestUnknownKind(t *testing.T) {
	table, err := executor.NewTable()
	require.NoError(t, err)
	r := executor.NewEngine(table, executor.Environment{}).Execute(t.Context(), monitor.Execution{Check: monitor.Definition{Kind: "carrier-pigeon"}})
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "carrier-pigeon")
	require.Contains(t, r.Error, "update it")
}

// TestCancellation at every moment of an execution: the outcome says nothing about the target.
func TestCancellation(t *testing.T) {
	for at := 5 * time.Millisecond; at < 60*time.Millisecond; at += 10 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			table, err := executor.NewTable(scripted{attempt: func(ctx context.Context, _ executor.Tools) executor.Observation {
				select {
				case <-ctx.Done():
					return executor.Observation{Err: ctx.Err()}
				case <-time.After(10 * time.Millisecond):
					return executor.Observation{Verdict: "bad"}
				}
			}})
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), at)
			defer cancel()
			d := monitor.Definition{ID: "c", Kind: "scripted", Retries: 5, RetryDelay: monitor.Duration(10 * time.Millisecond)}
			begun := time.Now()
			r := executor.NewEngine(table, executor.Environment{}).Execute(ctx, monitor.Execution{Check: d.WithDefaults()})
			require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
			require.Contains(t, r.Error, "cancelled")
			require.Equal(t, at, time.Since(begun), "at once")
		})
	}
}

func TestResultTellsTheExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		table, err := executor.NewTable(answers(time.Millisecond, 200))
		require.NoError(t, err)
		ex := monitor.Execution{
			Check: monitor.Definition{ID: "c", Service: "s", Kind: "scripted"}.WithDefaults(), Revision: 7, Location: "l",
			DueAt: now.Add(-time.Second), NextDueAt: now.Add(time.Second), Trigger: monitor.TriggerManual,
		}
		r := executor.NewEngine(table, executor.Environment{Runner: "r1"}).Execute(t.Context(), ex)
		require.Equal(t, monitor.Result{
			ID: ex.ID(), CheckID: "c", Service: "s", Revision: 7, Location: "l", Runner: "r1", DueAt: ex.DueAt, StartedAt: now.UTC(),
			NextDueAt: ex.NextDueAt, DurationMS: 1, Outcome: monitor.OutcomeSuccess, Attempts: 1,
			Observed: map[string]any{"status": 200}, Trigger: monitor.TriggerManual,
		}, r)
	})
}

// TestResultsAreBounded whatever was observed, and secrets do not survive a cut.
func TestResultsAreBounded(t *testing.T) {
	for filler := range 300 {
		long := strings.Repeat("é", 400+filler) + " s3cret-value " + strings.Repeat("y", 100_000)
		r := execute(t, scripted{attempt: func(_ context.Context, tools executor.Tools) executor.Observation {
			if _, err := tools.Secret("secret://x"); err != nil {
				return executor.Observation{Err: err}
			}
			return executor.Observation{
				Values:   assertion.Known(map[string]any{"status": 1, "body": long, "list": []string{long, long}}),
				Observed: map[string]any{"body": long}, Verdict: long,
			}
		}}, monitor.Definition{Assertions: []string{`body == ""`, `list == []`, `{"x": {body: list}} == {}`, `[1][body.size()] == int(body)`}})
		raw, err := json.Marshal(r)
		require.NoError(t, err)
		require.Less(t, len(raw), 8<<10)
		require.NotContains(t, string(raw), "s3cr")
		require.Contains(t, r.Observed["omitted"], "4096 are kept at most")
		require.True(t, json.Valid(raw))
	}
	r := execute(t, scripted{attempt: func(context.Context, executor.Tools) executor.Observation {
		return executor.Observation{Latency: time.Hour, Observed: map[string]any{"f": func() {}}}
	}}, monitor.Definition{})
	require.Equal(t, 10_000.0, r.DurationMS, "no longer than the timeout")
	_, err := json.Marshal(r)
	require.NoError(t, err, "what cannot be written is left out")
}

func TestTable(t *testing.T) {
	_, err := executor.NewTable(scripted{}, scripted{})
	require.ErrorContains(t, err, "two executors of kind scripted")
	table, err := executor.NewTable(scripted{})
	require.NoError(t, err)
	require.Equal(t, "scripted", table.Kinds()[0].Name)
	require.Empty(t, table.Validate(monitor.Definition{}), "a kind that is missing is reported elsewhere")
	require.Equal(t, monitor.Problems{{Field: "kind", Message: `"script" is not known: use scripted`}}, table.Validate(monitor.Definition{Kind: "script"}))
	problems := table.Validate(monitor.Definition{Kind: "scripted", Assertions: []string{"status == 200", "status = 200", "", "body == 1", strings.Repeat("x", 5000)}})
	require.Equal(t, []string{"assertions[1]", "assertions[3]"}, []string{problems[0].Field, problems[1].Field})
	require.Len(t, problems, 2)
}

// TestWarnings: what a kind warns of degrades a good answer, and no other.
func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		definition monitor.Definition
		warning    string
		unless     []string
		verdict    string
		outcome    monitor.Outcome
		text       string
	}{
		"none":           {outcome: monitor.OutcomeSuccess},
		"holds":          {unless: []string{"status == 200"}, outcome: monitor.OutcomeSuccess},
		"does not hold":  {unless: []string{"status == 200", "status < 200"}, outcome: monitor.OutcomeDegraded, text: "status < 200 · actual 200"},
		"cannot be told": {unless: []string{"list[0] == body"}, outcome: monitor.OutcomeDegraded, text: "cannot be evaluated"},
		"own":            {warning: "close to full", unless: []string{"status < 200"}, outcome: monitor.OutcomeDegraded, text: "close to full"},
		"of a failure":   {warning: "close to full", verdict: "full", outcome: monitor.OutcomeFailure, text: "full"},
		"of an assertion that fails": {
			definition: monitor.Definition{Assertions: []string{"status == 201"}}, warning: "close to full", outcome: monitor.OutcomeFailure, text: "status == 201 · actual 200",
		},
		"inverted":             {definition: monitor.Definition{Invert: true}, warning: "close to full", outcome: monitor.OutcomeFailure, text: "it succeeded"},
		"inverted and failing": {definition: monitor.Definition{Invert: true}, warning: "close to full", verdict: "full", outcome: monitor.OutcomeSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			kind := scripted{attempt: func(context.Context, executor.Tools) executor.Observation {
				return executor.Observation{Values: assertion.Known(map[string]any{"status": 200, "body": "s3cret-value", "list": []string{}}), Verdict: tc.verdict, Warning: tc.warning, WarnUnless: tc.unless}
			}}
			r := execute(t, kind, tc.definition)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, r.Outcome == monitor.OutcomeSuccess, r.Error == "")
			require.Len(t, r.Assertions, len(tc.definition.Assertions))
		})
	}
}

// TestTestsTellMore: the actual values of assertions that hold, and what went over the wire.
func TestTestsTellMore(t *testing.T) {
	kind := scripted{attempt: func(_ context.Context, tools executor.Tools) executor.Observation {
		text, err := tools.Secret("AUTH secret://token")
		tools.Wire.Sent(text)
		return executor.Observation{Values: assertion.Known(map[string]any{"status": 200}), Err: err, Verdict: "bad"}
	}}
	table, err := executor.NewTable(kind)
	require.NoError(t, err)
	engine := executor.NewEngine(table, executor.Environment{Secrets: secrets.Source{Env: func(string) (string, bool) { return "s3cret-value", true }}})
	d := monitor.Definition{ID: "c", Service: "s", Kind: "scripted", Retries: 1, RetryDelay: monitor.Duration(time.Millisecond)}.WithDefaults()
	r := engine.Execute(t.Context(), monitor.Execution{Check: d, Trigger: monitor.TriggerTest})
	require.Len(t, r.Wire, 3)
	require.Equal(t, "AUTH •••", r.Wire[0].Text)
	require.Equal(t, len("AUTH s3cret-value"), r.Wire[0].Bytes)
	require.Equal(t, monitor.WireEntry{AtMS: r.Wire[1].AtMS, What: "attempt", Text: "2"}, r.Wire[1])

	d.Assertions = []string{"status == 200 && status > 1", "status < 500"}
	r = engine.Execute(t.Context(), monitor.Execution{Check: d, Trigger: monitor.TriggerTest})
	require.Equal(t, []monitor.AssertionResult{
		{Expression: "status == 200 && status > 1", Passed: true, Actual: "200"}, {Expression: "status < 500", Passed: true, Actual: "200"},
	}, r.Assertions)
	r = engine.Execute(t.Context(), monitor.Execution{Check: d, Trigger: monitor.TriggerManual})
	require.Nil(t, r.Wire)
	require.Empty(t, r.Assertions[0].Actual)
}
