// Package heartbeatcheck knows checks of kind heartbeat: nobody executes them, what is watched sends
// its heartbeats. Each has a token, of which only the digest is kept.
package heartbeatcheck

import (
	"context"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct{}

// Options of a heartbeat check.
type Options struct {
	TokenSHA256 string `json:"token_sha256" example:"" help:"Digest of the token that heartbeats come with, SHA-256 in hex. Leave it out: a token is made, shown once, and its digest kept here."`
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: monitor.KindHeartbeat, Title: "Heartbeat", Pushed: true,
		Summary: "Waits for a job to report by itself, and fails when it does not.",
		Target:  "what sends the heartbeats, in words; the id where it is left out", Example: "nightly backup of db1",
		Variables: []assertion.Variable{
			{Name: "message", Type: "string", Help: "What the heartbeat said, the first 1,000 bytes of it."},
			{Name: "exit_code", Type: "int", Help: "The exit code that it came with, 0 where it came with none."},
			{Name: "latency", Type: "duration", Help: "How long the work took: what the heartbeat said, or the time since it said that it began; 0 where neither is known."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	o, problems := ParseOptions(d)
	if o.TokenSHA256 != "" && !validDigest(o.TokenSHA256) {
		problems.Add("options.token_sha256", "is no digest: leave it out to have a token made, or give the 64 hex digits of the SHA-256 of one")
	}
	return probe{}, problems
}

// ParseOptions reads the options of a definition.
func ParseOptions(d monitor.Definition) (Options, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	return o, problems
}

// probe is what an execution would use, if there was one.
type probe struct{}

// Attempt implements executor.Probe.
func (probe) Attempt(context.Context, executor.Tools) executor.Observation {
	return executor.Observation{Err: fmt.Errorf("%w: a heartbeat cannot be executed: send one to the check's address", executor.ErrSetup)}
}

// Heartbeat is what came.
type Heartbeat struct {
	// Failed says that the work failed, as what sent it sees it.
	Failed   bool
	ExitCode int
	// Message is in plain words, at most MaxMessage bytes.
	Message string
	// Took is how long the work took, 0 for not known.
	Took time.Duration
}

// MaxMessage is the most bytes of a message that are kept.
const MaxMessage = 1000

// Observation is what a heartbeat tells. A failure stays one whatever the assertions say; an exit code
// other than 0 is one unless assertions judge it.
func (h Heartbeat) Observation() executor.Observation {
	seen := executor.Observation{
		Latency: h.Took,
		Values: assertion.Known(map[string]any{
			"message": h.Message, "exit_code": h.ExitCode, "latency": h.Took,
			"latency_ms": float64(h.Took) / float64(time.Millisecond),
		}),
		Observed: map[string]any{"exit_code": h.ExitCode},
	}
	if h.Message != "" {
		seen.Observed["message"] = h.Message
	}
	switch {
	case h.Failed:
		seen.Err = failure{"the job reported a failure", h.Message}
	case h.ExitCode != 0:
		seen.Verdict = failure{fmt.Sprintf("the job ended with exit code %d", h.ExitCode), h.Message}.Error()
	}
	return seen
}

// failure is what went wrong, with what the job says of it.
type failure struct{ what, message string }

// Error implements error.
func (f failure) Error() string {
	if f.message == "" {
		return f.what
	}
	return f.what + ": " + f.message
}
